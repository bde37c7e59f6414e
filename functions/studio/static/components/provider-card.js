// One provider: its place, its state in a line, and behind a fold its key, settings and prices.

import { put } from "../api.js";
import { date, micros, percent, seconds, usd, when, words } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { may } from "../session.js";
import { Icon } from "./icons.js";
import { KeyForm } from "./provider-key.js";
import { SettingsForm } from "./provider-settings.js";
import { State } from "./states.js";
import { tell, tellError } from "./tell.js";

export function ProviderCard({ provider, place, last, onMove, onDrag, reload }) {
  const [open, setOpen] = useState(false);
  const admin = may("admin");
  const card = useRef(null);
  return html`<article class="provider panel" ref=${card} aria-label=${provider.id}>
    <div class="provider-line">
      <span class="provider-place figure">${place + 1}</span>
      ${admin && html`<${Mover} provider=${provider} place=${place} last=${last} card=${card} onMove=${onMove} onDrag=${onDrag} />`}
      <div class="provider-name">
        <h3>${provider.id}</h3>
        <p class="quiet small">${provider.name}</p>
      </div>
      <p class="provider-price small">${priceSaid(provider)}</p>
      <${Health} provider=${provider} />
      <${KeyState} provider=${provider} />
      <${Switch} provider=${provider} reload=${reload} disabled=${!admin} />
      <button type="button" aria-expanded=${open} onClick=${() => setOpen(!open)}>
        ${admin ? "Set up" : "More"}<span class="unseen"> ${provider.id}</span>
      </button>
    </div>
    <${Notices} provider=${provider} />
    ${open && html`<div class="provider-more">
      ${admin && provider.needs_key && html`<${KeyForm} provider=${provider} reload=${reload} />`}
      ${admin && html`<${SettingsForm} provider=${provider} reload=${reload} />`}
      <${Prices} provider=${provider} />
    </div>`}
  </article>`;
}

/** A handle for the pointer, arrows for the keyboard; the focus stays on the arrow that was used. */
function Mover({ provider, place, last, card, onMove, onDrag }) {
  const up = useRef(null);
  const down = useRef(null);
  const used = useRef(null);
  useEffect(() => {
    const arrow = used.current?.current;
    used.current = null;
    if (arrow) (arrow.disabled ? (arrow === up.current ? down : up).current : arrow).focus();
  }, [place]);
  const move = (arrow, next) => {
    used.current = arrow;
    onMove(next);
  };
  return html`<div class="mover">
    <span
      class="handle" draggable="true" aria-hidden="true" title="Drag to another place"
      onDragStart=${(event) => {
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", provider.id);
        event.dataTransfer.setDragImage(card.current, 20, 20);
        onDrag(provider.id);
      }}
      onDragEnd=${() => onDrag(null)}
    ><${Icon} name="drag" /></span>
    <button
      type="button" class="bare" ref=${up} disabled=${place === 0}
      aria-label=${`Ask ${provider.id} earlier`} onClick=${() => move(up, place - 1)}
    ><${Icon} name="up" /></button>
    <button
      type="button" class="bare" ref=${down} disabled=${place === last}
      aria-label=${`Ask ${provider.id} later`} onClick=${() => move(down, place + 1)}
    ><${Icon} name="down" /></button>
  </div>`;
}

function Health({ provider }) {
  const { breaker, observed } = provider;
  return html`<div class="provider-health small">
    ${provider.retired
      ? html`<${State} is="retired" tone="plain" />`
      : breaker.state === "closed"
        ? html`<${State} is=${observed.attempts ? "working" : "not tried yet"} tone=${observed.attempts ? "good" : "plain"} />`
        : html`<${State} is=${breaker.state === "open" ? "suspended" : "on trial"} tone=${breaker.state === "open" ? "bad" : "warn"} />`}
    ${observed.attempts > 0 && html`<p class="quiet">
      ${percent(observed.success_rate)} of ${observed.attempts} succeeded${paceSaid(observed)}
    </p>`}
  </div>`;
}

const paceSaid = ({ p50_s: half, p95_s: most }) =>
  half == null ? "" : `; half in ${seconds(half)}, 95 % in ${seconds(most)}`;

/** The active card's prices in a line: from the lowest to the highest of each unit. */
function priceSaid(provider) {
  const units = new Map();
  for (const row of provider.offers.flatMap((offer) => offer.price)) {
    units.set(row.unit, [...(units.get(row.unit) ?? []), row.usd]);
  }
  if (!units.size) return html`<span class="quiet">no price on card ${provider.rate_card.name}</span>`;
  return [...units].map(([unit, prices]) => {
    const [low, ...more] = prices.sort((one, other) => micros(one) - micros(other));
    const high = more.at(-1);
    return html`<span key=${unit}>${usd(low)}${high && high !== low && `–${high}`} <span class="quiet">per ${unit}</span> </span>`;
  });
}

function KeyState({ provider }) {
  const said = !provider.needs_key
    ? "needs no key"
    : provider.key_set
      ? `key ${provider.key_hint ? `…${provider.key_hint}` : "set"}`
      : "no key";
  return html`<p class="provider-key small" data-missing=${provider.needs_key && !provider.key_set}><${Icon} name="key" /> ${said}</p>`;
}

function Switch({ provider, reload, disabled }) {
  const [busy, setBusy] = useState(false);
  const flip = async () => {
    setBusy(true);
    try {
      await put(`/v1/settings/providers/${provider.id}`, { enabled: !provider.enabled });
      tell(`${provider.id} is ${provider.enabled ? "off" : "on"}.`);
      reload();
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<label class="check provider-switch">
    <input type="checkbox" checked=${provider.enabled} disabled=${disabled || busy} onChange=${flip} />
    on<span class="unseen">, ${provider.id}</span>
  </label>`;
}

/** What an owner should know before money is spent here. */
function Notices({ provider }) {
  const { breaker, retired } = provider;
  const leaving = provider.offers.filter((offer) => offer.retires_on);
  const models = [...new Map(leaving.map((offer) => [offer.model, offer.retires_on]))];
  return html`
    ${retired && html`<p class="notice">
      <${Icon} name="warning" />
      <span>
        Retired by its vendor on ${date(retired.since)}${retired.replacement &&
        html`; ask <strong>${retired.replacement}</strong> instead`}. Compatible hosts still speak
        its protocol: set their address.
      </span>
    </p>`}
    ${breaker.state === "open" && html`<p class="notice">
      <${Icon} name="warning" /><span>Not asked until ${when(breaker.until)}: ${words(breaker.reason)}.</span>
    </p>`}
    ${provider.doubted_prices.length > 0 && html`<p class="notice">
      <${Icon} name="warning" />
      <span>Not sold until its prices are confirmed: the vendor billed more for ${provider.doubted_prices.join(", ")}.</span>
    </p>`}
    ${!retired && models.length > 0 && html`<ul class="leaving quiet small">
      ${models.map(([model, day]) => html`<li key=${model}>
        <code>${model}</code> ${new Date(day) < new Date() ? "was" : "is"} retired on ${date(day)}
      </li>`)}
    </ul>`}
  `;
}

function Prices({ provider }) {
  const rows = provider.offers.map((offer) => ({ offer, prices: offer.price }));
  return html`<section class="prices" aria-label=${`Prices of ${provider.id}`}>
    <h4>Prices <span class="quiet">card ${provider.rate_card.name}, ${provider.rate_card.version}</span></h4>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Price table of ${provider.id}`}>
      <table>
        <thead><tr><th>Model</th><th>Sizes</th><th>Length</th><th>Price</th></tr></thead>
        <tbody>
          ${rows.map(({ offer, prices }, row) => html`<tr key=${row}>
            <td><code>${offer.model}</code>${offer.needs_keyframe && html`<br /><span class="quiet small">needs a keyframe</span>`}</td>
            <td class="small">${offer.resolutions.join(", ")}</td>
            <td class="small">${offer.duration_s ? `${offer.duration_s.min}–${offer.duration_s.max} s` : "–"}</td>
            <td class="small">${prices.length
              ? prices.map((one, place) => html`<div key=${place}>
                  ${usd(one.usd)} per ${one.unit}${one.resolution && ` at ${one.resolution}`}${one.quality &&
                  `, ${one.quality}`}
                </div>`)
              : "not on this card"}</td>
          </tr>`)}
        </tbody>
      </table>
    </div>
  </section>`;
}
