// The attempts of a generation, one line for each provider that was asked.

import { lasted, usd } from "../format.js";
import { attemptSaid } from "../generations.js";
import { html } from "../html.js";

const TONES = { stored: "good", paid: "good", released: "bad", in_doubt: "bad", presumed: "bad" };

export function Attempts({ attempts }) {
  return html`<ol class="attempts">
    ${attempts.map(
      (one) => html`<li key=${one.id}>
        <span class="state" data-tone=${one.error ? "bad" : TONES[one.state] ?? "busy"}>
          <strong>${one.provider}</strong>
        </span>
        <span>${attemptSaid(one)}${one.tries > 1 && html` <span class="quiet">(${one.tries} tries)</span>`}</span>
        <span class="quiet small figure">${lasted(one.started_at, one.ended_at)}</span>
        <span class="figure">${usd(one.actual_cost ?? (one.error ? "0.0000" : one.estimated_cost))}</span>
      </li>`,
    )}
  </ol>`;
}
