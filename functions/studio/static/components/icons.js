// Line icons on a 16-pixel grid. They repeat what words beside them say, so nobody reads them out.

import { html } from "../html.js";

const PATHS = {
  create: "M8 2v12M2 8h12",
  storyboard: "M2 3h5v4H2zM9 3h5v4H9zM2 9h5v4H2zM9 9h5v4H9z",
  library: "M2 3h12v10H2zM2 10l3.5-3.5L9 10l2-2 3 3",
  usage: "M2 14V9M6 14V4M10 14V7M14 14V2",
  providers: "M3 4h10M3 8h10M3 12h10M5 2.5v3M11 6.5v3M7 10.5v3",
  budgets: "M8 2v12M11 4.5C10 3.5 6 3.3 5.5 5.5S11 8 11 10.5 6 13 4.8 11.5",
  tokens: "M6 10a3.5 3.5 0 1 1 2-2l6 0v3M11.5 8v2",
  audit: "M4 2h8v12H4zM6 5h4M6 8h4M6 11h2",
  warning: "M8 2l6.5 12h-13zM8 6.5v3.5M8 12v.1",
  check: "M3 8.5l3.5 3.5L13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  drag: "M6 3v.1M10 3v.1M6 8v.1M10 8v.1M6 13v.1M10 13v.1",
  play: "M5 3l8 5-8 5z",
  download: "M8 2v8M4.5 7L8 10.5 11.5 7M3 14h10",
  again: "M13 8a5 5 0 1 1-1.5-3.5L13 6M13 2.5V6H9.5",
  film: "M2 3h12v10H2zM5 3v10M11 3v10M2 6.3h3M2 9.7h3M11 6.3h3M11 9.7h3",
  sound: "M3 6v4h2.5L9 13V3L5.5 6zM11.5 6a3 3 0 0 1 0 4",
  theme: "M8 2a6 6 0 1 0 0 12zM8 2v12",
  out: "M6 3H3v10h3M10 5l3 3-3 3M13 8H6",
  key: "M6 10a3.5 3.5 0 1 1 2-2l6 0v3M11.5 8v2",
  copy: "M6 6h8v8H6zM10 6V2H2v8h4",
  more: "M3 8v.1M8 8v.1M13 8v.1",
  external: "M6 3H3v10h10v-3M9 3h4v4M13 3L7.5 8.5",
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}
