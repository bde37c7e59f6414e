// Trying an operation: fill in, send for real, see all of what came back.

import { Field, Select } from "../components/field.js";
import { html, useState } from "../html.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { resolved, typeOf } from "./document.js";
import { asCurl, send } from "./request.js";
import { Within } from "./schema.js";

export function Try({ operation, document }) {
  const who = useStore(session);
  const parameters = (operation.parameters ?? []).map((one) => resolved(document, one));
  const [values, setValues] = useState(() => examplesOf(parameters));
  const [body, setBody] = useState(() => firstBody(operation));
  const [came, setCame] = useState(null);
  const [busy, setBusy] = useState(false);
  const asked = { operation, parameters, values, body };
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setCame(await send(asked, who?.token));
    setBusy(false);
  };
  return html`<form class="panel try" aria-label="Try it" onSubmit=${submit}>
    <header><h2>Try it</h2><p class="quiet small">Sent for real, in your name.</p></header>
    <div class="fields">
      ${parameters.map(
        (one) => html`<${Parameter} key=${one.name} parameter=${one} document=${document}
          value=${values[one.name]}
          onChange=${(value) => setValues((before) => ({ ...before, [one.name]: value }))} />`,
      )}
    </div>
    ${operation.requestBody &&
    html`<${Body} content=${operation.requestBody.content} document=${document} body=${body} onChange=${setBody} />`}
    <div class="actions">
      <button class="primary" disabled=${busy}>${busy ? "Sending…" : "Send"}</button>
      ${!who && operation["x-role"] !== "open" && html`<p class="quiet small">Without a token it will be refused.</p>`}
    </div>
    <details>
      <summary class="small">As a command</summary>
      <pre tabindex="0">${asCurl(asked)}</pre>
    </details>
    <div role="status" aria-live="polite">${came && html`<${Came} came=${came} />`}</div>
  </form>`;
}

function Parameter({ parameter, document, value, onChange }) {
  const { name, schema, description } = parameter;
  const label = html`<code>${name}</code> <span class="quiet">${parameter.in}${parameter.required ? "" : ", optional"}</span>`;
  const plain = resolved(document, schema);
  if (plain.enum) {
    const options = [{ value: "", label: "" }, ...plain.enum.map((one) => ({ value: one, label: one }))];
    return html`<${Select} label=${label} hint=${described(description)} value=${value} options=${options} onChange=${onChange} />`;
  }
  return html`<${Field} label=${label} hint=${described(description)}>
    ${(own) => html`<input
      ...${own}
      value=${value}
      required=${parameter.required}
      placeholder=${parameter.required ? undefined : (parameter.example ?? schema.default)}
      inputmode=${schema.type === "integer" ? "numeric" : undefined}
      onInput=${(event) => onChange(event.currentTarget.value)}
    />`}
  <//>`;
}

function Body({ content, document, body, onChange }) {
  const kinds = Object.keys(content);
  const { schema, examples = {} } = content[body.kind];
  const names = Object.keys(examples);
  return html`<div class="body">
    <div class="fields">
      ${kinds.length > 1 &&
      html`<${Select} label="Kind of body" value=${body.kind}
        options=${kinds.map((one) => ({ value: one, label: one }))}
        onChange=${(kind) => onChange(bodyOf(content, kind))} />`}
      ${names.length > 1 &&
      html`<${Select} label="Example" value=${body.example}
        options=${names.map((one) => ({ value: one, label: one }))}
        onChange=${(name) => onChange(bodyOf(content, body.kind, name))} />`}
    </div>
    ${body.kind === "multipart/form-data"
      ? html`<${Form} schema=${resolved(document, schema)} document=${document} body=${body} onChange=${onChange} />`
      : html`<${Field} label="Body">
          ${(own) => html`<textarea
            ...${own}
            class="code"
            spellcheck="false"
            rows=${Math.min(24, body.text.split("\n").length + 1)}
            value=${body.text}
            onInput=${(event) => onChange({ ...body, text: event.currentTarget.value })}
          ></textarea>`}
        <//>`}
    <${Within} document=${document} given=${schema} label=${`Fields of ${typeOf(document, schema)}`} />
  </div>`;
}

/** A form of fields and files. */
function Form({ schema, document, body, onChange }) {
  const put = (name, value) => onChange({ ...body, form: { ...body.form, [name]: value } });
  return html`<div class="fields">
    ${Object.entries(schema.properties).map(
      ([name, given]) => html`<${Field} key=${name} label=${name} hint=${given.description}>
        ${(own) =>
          typeOf(document, given).includes("file")
            ? html`<input ...${own} type="file" onChange=${(event) => put(name, event.currentTarget.files[0])} />`
            : html`<input ...${own} value=${body.form[name] ?? ""} onInput=${(event) => put(name, event.currentTarget.value)} />`}
      <//>`,
    )}
  </div>`;
}

function Came({ came }) {
  if (came.problem) return html`<p class="fault">${came.problem}</p>`;
  return html`<div class="came">
    <p>
      <span class="status" data-kind=${String(came.status)[0]}>${came.status}</span>
      <span class="quiet small"> ${came.tookMs} ms, ${came.text.length} characters</span>
    </p>
    <details>
      <summary class="small">Headers</summary>
      <pre tabindex="0">${came.headers.map(([name, value]) => `${name}: ${value}`).join("\n")}</pre>
    </details>
    <pre tabindex="0" aria-label="The answer's body">${came.text || "(no body)"}</pre>
  </div>`;
}

const described = (text) => text.replaceAll("`", "");

const examplesOf = (parameters) =>
  Object.fromEntries(parameters.map((one) => [one.name, one.required ? (one.example ?? "") : ""]));

function firstBody(operation) {
  const content = operation.requestBody?.content;
  return content ? bodyOf(content, Object.keys(content)[0]) : null;
}

/** {kind, example, text, form} of a kind of body, filled from one of its examples. */
function bodyOf(content, kind, name = Object.keys(content[kind].examples ?? {})[0]) {
  const value = content[kind].examples?.[name]?.value;
  const form = kind === "multipart/form-data" ? { ...value } : {};
  const text = typeof value === "string" ? value : JSON.stringify(value ?? {}, null, 2);
  return { kind, example: name, text, form };
}
