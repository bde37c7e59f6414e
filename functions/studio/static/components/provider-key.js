// A provider's key: set, replaced, removed, tested. It goes in and never comes out again.

import { post, put, remove } from "../api.js";
import { words } from "../format.js";
import { html, useState } from "../html.js";
import { Confirm } from "./dialog.js";
import { Choice, Field } from "./field.js";
import { State } from "./states.js";
import { tell } from "./tell.js";

const named = (field) => words(field).replace("api", "API");

export function KeyForm({ provider, reload }) {
  const shapes = provider.key_fields;
  const [shape, setShape] = useState("0");
  const [values, setValues] = useState({});
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState("");
  const [asking, setAsking] = useState(false);
  const [checked, setChecked] = useState(null);
  const fields = shapes[Number(shape)];
  const base = `/v1/settings/providers/${provider.id}`;

  const doing = async (what, work) => {
    setBusy(what);
    setFault("");
    try {
      await work();
    } catch (error) {
      setFault(error.problem?.errors?.[0] ? `The key ${error.problem.errors[0].message}.` : error.message);
    } finally {
      setBusy("");
    }
  };
  const test = () => doing("test", async () => setChecked((await post(`${base}/test`, {})).data));
  const store = (event) => {
    event.preventDefault();
    const given = fields.map((name) => (values[name] ?? "").trim());
    if (given.some((one) => !one)) return setFault("Fill in every part of the key.");
    const key = fields.length === 1 ? given[0] : Object.fromEntries(fields.map((name, i) => [name, given[i]]));
    return doing("store", async () => {
      await put(`${base}/key`, { key });
      setValues({});
      setChecked((await post(`${base}/test`, {})).data);
      tell(`The key of ${provider.id} is stored.`);
      reload();
    });
  };
  const forget = () => doing("remove", async () => {
    setAsking(false);
    await remove(`${base}/key`);
    setChecked(null);
    tell(`The key of ${provider.id} is removed.`);
    reload();
  });

  return html`<form class="key-form" aria-label=${`Key of ${provider.id}`} onSubmit=${store} autocomplete="off">
    <h4>Key ${provider.key_set && html`<span class="quiet">${provider.key_hint ? `ends in ${provider.key_hint}` : "is set"}</span>`}</h4>
    ${shapes.length > 1 && html`<${Choice}
      label="Kind" name=${`shape-${provider.id}`} value=${shape} onChange=${setShape}
      options=${shapes.map((one, place) => ({ value: String(place), label: one.map(named).join(" + ") }))}
    />`}
    <div class="fields">
      ${fields.map((name, place) => html`<${Field}
        key=${name} label=${provider.key_set ? `New ${named(name)}` : named(name)} fault=${place === 0 ? fault : ""}
      >
        ${(own) => html`<input
          ...${own} type="password" autocomplete="off" autocapitalize="none" spellcheck="false"
          value=${values[name] ?? ""} onInput=${(event) => setValues({ ...values, [name]: event.currentTarget.value })}
        />`}
      <//>`)}
    </div>
    <div class="actions">
      <button disabled=${busy !== ""}>${busy === "store" ? "Storing…" : provider.key_set ? "Replace" : "Store"} key</button>
      <button type="button" disabled=${busy !== "" || !provider.key_set} onClick=${test}>${busy === "test" ? "Testing…" : "Test key"}</button>
      ${provider.key_set && html`<button type="button" class="danger" disabled=${busy !== ""} onClick=${() => setAsking(true)}>Remove key</button>`}
      <p role="status" class="tested">
        ${checked && html`<${State} is=${checked.ok ? "the key works" : checked.detail} tone=${checked.ok ? "good" : "bad"} />`}
      </p>
    </div>
    ${checked?.message && !checked.ok && html`<p class="hint">${checked.message}</p>`}
    ${asking && html`<${Confirm}
      title=${`Remove the key of ${provider.id}?`}
      text="It is not asked any more until a new key is stored. What it is making now is still fetched and paid."
      action="Remove key" onConfirm=${forget} onClose=${() => setAsking(false)}
    />`}
  </form>`;
}
