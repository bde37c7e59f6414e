// What an owner decides about a provider: address, model, limit, what follows a refusal. Two admins
// at once do not overwrite each other: the second one is shown what the first has set.

import { get, post, put } from "../api.js";
import { usd, words } from "../format.js";
import { html, useState } from "../html.js";
import { useLoad } from "../use.js";
import { Field, Select } from "./field.js";
import { Failure, Loading } from "./states.js";
import { tell } from "./tell.js";

const FIELDS = ["api_url", "model", "monthly_limit", "on_refusal", "on_unknown"];
const REFUSAL = [{ value: "next", label: "Ask the next" }, { value: "stop", label: "Stop" }];
const UNKNOWN = [{ value: "stop", label: "Stop and keep the money held" }, { value: "next", label: "Ask the next; it may cost twice" }];

export function SettingsForm({ provider, reload }) {
  const path = `/v1/settings/providers/${provider.id}`;
  const found = useLoad(({ signal }) => get(path, { signal }), [provider.id]);
  const [edited, setEdited] = useState({});
  const [conflict, setConflict] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!found.data) return found.error ? html`<${Failure} error=${found.error} retry=${found.reload} />` : html`<${Loading} rows=${3} />`;
  const stored = found.data.data;
  const shown = { ...stored, ...edited };
  const set = (name) => (value) => setEdited({ ...edited, [name]: value });
  const typed = (name) => (event) => set(name)(event.currentTarget.value.trim() || null);
  const changed = Object.fromEntries(FIELDS.filter((name) => name in edited && edited[name] !== stored[name]).map((name) => [name, edited[name]]));

  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    setConflict(null);
    try {
      const answer = await put(path, changed, { headers: { "If-Match": found.data.etag } });
      found.replace(answer);
      setEdited({});
      tell(`The settings of ${provider.id} are saved.`);
      reload();
    } catch (refused) {
      if (refused.code === "version-conflict") await meet(refused);
      else setError(refused);
    } finally {
      setBusy(false);
    }
  };
  /** Somebody was faster: show theirs beside what was typed, and save on top of it next time. */
  const meet = async (refused) => {
    const now = await get(path).catch(() => null);
    if (!now) return setError(refused);
    setConflict(FIELDS.filter((name) => now.data[name] !== stored[name]).map((name) => [name, now.data[name]]));
    return found.replace(now);
  };
  const confirmPrices = async () => {
    try {
      await post(`${path}/prices/confirm`, {});
      tell(`${provider.id} is sold again.`);
      reload();
    } catch (refused) {
      setError(refused);
    }
  };
  const fault = (name) => error?.fault?.(`/${name}`);
  const models = [...new Set(provider.offers.map((offer) => offer.model))];

  return html`<form class="settings-form" aria-label=${`Settings of ${provider.id}`} onSubmit=${save}>
    <h4>Settings</h4>
    <div class="fields">
      <${Select} label="Model" value=${shown.model ?? ""} onChange=${(value) => set("model")(value || null)}
        options=${[{ value: "", label: "The first that fits" }, ...models.map((value) => ({ value, label: value }))]} fault=${fault("model")} />
      <${Field} label="Limit a month in $" hint="Empty: only the owner's budget" fault=${fault("monthly_limit")}>
        ${(own) => html`<input
          ...${own} inputmode="decimal" autocomplete="off"
          value=${shown.monthly_limit ?? ""} onInput=${typed("monthly_limit")}
        />`}
      <//>
      <${Select} label="If content is refused" value=${shown.on_refusal} options=${REFUSAL} onChange=${set("on_refusal")} />
      <${Select} label="If the outcome is unknown" value=${shown.on_unknown} options=${UNKNOWN} onChange=${set("on_unknown")} />
      ${provider.needs_key && html`<${Field}
        label="Address of its API" wide fault=${fault("api_url")}
        hint="Empty: the vendor's own. Other hosts must be allowed by the installation."
      >
        ${(own) => html`<input
          ...${own} type="url" inputmode="url" autocomplete="off" spellcheck="false"
          value=${shown.api_url ?? ""} onInput=${typed("api_url")}
        />`}
      <//>`}
    </div>
    ${conflict && html`<div class="conflict" role="alert">
      <p>Somebody changed this meanwhile${conflict.length ? ":" : "."}</p>
      ${conflict.length > 0 && html`<ul>
        ${conflict.map(([name, value]) => html`<li key=${name}>
          ${words(name)} is now <strong>${name === "monthly_limit" ? usd(value) : value ?? "not set"}</strong>
        </li>`)}
      </ul>`}
      <p>What you changed still stands in the form: save once more to set it.</p>
    </div>`}
    ${error && !FIELDS.some(fault) && html`<${Failure} error=${error} />`}
    <div class="actions">
      <button disabled=${busy || !Object.keys(changed).length}>${busy ? "Saving…" : "Save settings"}</button>
      ${Object.keys(changed).length > 0 && html`<button type="button" class="bare" onClick=${() => setEdited({})}>Undo</button>`}
      ${provider.doubted_prices.length > 0 && html`<button type="button" onClick=${confirmPrices}>Confirm prices</button>`}
    </div>
  </form>`;
}
