// Who could make it: every provider of the medium with price, quality, speed and what was observed,
// in the owner's order, so that no row moves while prices change. Who cannot says why.

import { micros, percent, seconds, usd } from "../format.js";
import { html } from "../html.js";

/** `offers` are those of estimates/compare, `providers` the catalogue, `children` the row of auto. */
export function Offers({ offers, providers, busy, chosen, onChoose, children }) {
  const byId = new Map(offers.map((offer) => [offer.provider, offer]));
  const rows = providers.filter((one) => byId.has(one.id));
  const costs = offers.filter((one) => one.eligible).map((one) => micros(one.cost));
  const cheapest = costs.length > 1 ? Math.min(...costs) : null;
  return html`<fieldset>
    <legend class="legend">Provider</legend>
    <div class="offers" aria-busy=${busy}>
    ${children}
    ${rows.map((provider) => {
      const offer = byId.get(provider.id);
      return html`<${Offer}
        key=${provider.id}
        provider=${provider}
        offer=${offer}
        cheapest=${offer.eligible && micros(offer.cost) === cheapest}
        checked=${chosen === provider.id}
        onChoose=${() => onChoose(provider.id)}
      />`;
    })}
    </div>
  </fieldset>`;
}

function Offer({ provider, offer, cheapest, checked, onChoose }) {
  const { observed } = provider;
  return html`<label class="offer" data-off=${!offer.eligible}>
    <input
      type="radio" name="provider" value=${provider.id} checked=${checked}
      disabled=${!offer.eligible && !checked} onChange=${onChoose}
    />
    <span class="offer-name"><strong>${provider.id}</strong> <span class="quiet small">${offer.model}</span></span>
    <span class="offer-price figure">
      ${offer.eligible ? usd(offer.cost) : html`<span class="quiet">not now</span>`}
    </span>
    <span class="offer-facts quiet small">
      ${offer.eligible
        ? html`${cheapest && html`<span class="cheapest">cheapest</span>`}
            <span>${offer.quality} quality</span>
            <span>${offer.speed}, ${offer.observed_s == null ? `about ${seconds(offer.expected_s)}` : `${seconds(offer.observed_s)} observed`}</span>
            <span>${observed.attempts ? `${percent(observed.success_rate)} of ${observed.attempts} succeeded` : "not tried yet"}</span>
            <span>${usd(offer.unit_price)} per ${offer.unit}</span>`
        : html`<span>${reasonOf(offer)}</span>`}
    </span>
  </label>`;
}

/** Why an offer is not for this wish, in the page's own words where the API's name its fields. */
export const reasonOf = (offer) =>
  offer.reason_code === "keyframe-needed" ? "needs a keyframe: choose one" : offer.reason;
