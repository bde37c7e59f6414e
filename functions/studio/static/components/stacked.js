// A bar of parts that lie end to end, and perhaps a limit across it.

import { html } from "../html.js";

const WIDE = 1000;
const HIGH = 10;

/**
 * `parts` are [name, value] in their order, each drawn in the colour of the class part-<name>;
 * `whole` is the value of the full width, `limit` that of the mark. `label` says all of it in words.
 */
export function Stacked({ parts, whole, limit = null, label, level }) {
  const scale = WIDE / Math.max(whole, 1);
  let from = 0;
  const pieces = parts.map(([name, value]) => {
    const x = from * scale;
    from += value;
    return html`<rect
      key=${name}
      class=${`part-${name}`}
      x=${x}
      width=${value * scale}
      height=${HIGH}
    />`;
  });
  return html`<svg
    class="stacked"
    viewBox=${`0 0 ${WIDE} ${HIGH}`}
    preserveAspectRatio="none"
    role="img"
    aria-label=${label}
    data-level=${level}
  >
    <rect class="bar-ground" width=${WIDE} height=${HIGH} />
    ${pieces}
    ${
      limit !== null &&
      limit < whole &&
      html`<rect class="part-limit" x=${limit * scale - 1.5} width="3" height=${HIGH} />`
    }
  </svg>`;
}
