// Bars as plain SVG: they take the page's colours, and a table beside them says the same in words.

import { Stacked } from "../components/stacked.js";
import { amount, micros, usd } from "../format.js";
import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { axisOf, usedPercent } from "./figures.js";

const HIGH = 200;
const LEFT = 62;
const BELOW = 22;

/** How wide an element is drawn, so that figures in it are never scaled. */
function useWidth(box) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const seen = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    seen.observe(box.current);
    return () => seen.disconnect();
  }, []);
  return width;
}

/** Upright bars, one a day. */
export function Days({ days, label }) {
  const box = useRef(null);
  const wide = useWidth(box);
  return html`<div class="chart" ref=${box}>
    ${wide > 0 && html`<${Upright} days=${days} label=${label} wide=${wide} />`}
  </div>`;
}

function Upright({ days, label, wide }) {
  const values = days.map((one) => micros(one.spent));
  const lines = axisOf(Math.max(...values));
  const top = lines.at(-1);
  const high = HIGH - BELOW - 8;
  const y = (value) => 8 + high - (high * value) / top;
  const step = (wide - LEFT) / days.length;
  const every = step * 5 < 60 ? 10 : 5;
  return html`<svg width=${wide} height=${HIGH} role="img" aria-label=${label}>
    ${lines.map(
      (value) =>
        html`<g key=${value}>
          <line class="axis" x1=${LEFT} x2=${wide} y1=${y(value)} y2=${y(value)} />
          <text class="tick" x=${LEFT - 8} y=${y(value) + 4} text-anchor="end"
            >$${amount(value)}</text
          >
        </g>`,
    )}
    ${days.map(
      (one, i) =>
        html`<g key=${one.date} class=${one.isAhead ? "is-ahead" : ""}>
          <rect class="touch" x=${LEFT + i * step} y="8" width=${step} height=${high}
            ><title>${one.date}: ${usd(one.spent)}</title></rect
          >
          <rect
            class="bar-value"
            x=${LEFT + i * step + step * 0.14}
            width=${step * 0.72}
            y=${y(values[i])}
            height=${Math.max(0, y(0) - y(values[i]))}
            pointer-events="none"
          />
          ${
            (one.day % every === 0 || one.day === 1) &&
            html`<text class="tick" x=${LEFT + (i + 0.5) * step} y=${HIGH - 4} text-anchor="middle"
              >${one.day}</text
            >`
          }
        </g>`,
    )}
  </svg>`;
}

/** Lying bars with their names and amounts: a list that is its own table. */
export function Shares({ rows, label, none, href }) {
  if (!rows.length) return html`<p class="quiet">${none}</p>`;
  const most = Math.max(...rows.map((row) => row.share));
  return html`<ul class="shares" aria-label=${label}>
    ${rows.map(
      (row) =>
        html`<li key=${row.name}>
          <span class="share-name"
            >${
              href
                ? html`<a href=${href(row.name)}><bdi>${row.name}</bdi></a>`
                : html`<bdi>${row.name}</bdi>`
            }</span
          >
          <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <rect class="bar-ground" width="100" height="6" />
            <rect class="bar-value" width=${most ? (100 * row.share) / most : 0} height="6" />
          </svg>
          <span class="figure">${usd(row.spent)}</span>
          <span class="figure quiet">${Math.round(100 * row.share)} %</span>
        </li>`,
    )}
  </ul>`;
}

/** Spent and held against a limit. */
export function BudgetBar({ budget, label }) {
  const [spent, held, limit] = [budget.spent, budget.held, budget.limit].map(micros);
  const used = usedPercent(budget);
  const told = [
    `${label}: ${usd(budget.spent)} spent`,
    used !== null && `${used} percent`,
    `${usd(budget.held)} held`,
    `${usd(budget.room)} free of ${usd(budget.limit)}`,
  ];
  return html`<${Stacked}
    parts=${[
      ["spent", spent],
      ["held", held],
    ]}
    whole=${Math.max(limit, spent + held)}
    limit=${limit}
    label=${told.filter(Boolean).join(", ")}
    level=${levelOf(budget, used)}
  />`;
}

function levelOf(budget, used) {
  if (used === null) return "calm";
  if (used >= 100) return "full";
  return used >= Math.min(...(budget.alert_at?.length ? budget.alert_at : [80])) ? "near" : "calm";
}
