// The fields of an object: name, type, what they mean; what lies within opens on demand.

import { html, useState } from "../html.js";
import { boundsOf, objectIn, typeOf } from "./document.js";
import { coded } from "./prose.js";

export function Fields({ document, schema }) {
  const required = new Set(schema.required ?? []);
  return html`<ul class="schema">
    ${Object.entries(schema.properties).map(
      ([name, given]) => html`<li key=${name}>
        <p>
          <code class="name">${name}</code>
          <span class="type">${typeOf(document, given)}</span>
          ${!required.has(name) && html`<span class="quiet small">optional</span>`}
        </p>
        <${About} document=${document} given=${given} />
        <${Within} document=${document} given=${given} />
      </li>`,
    )}
  </ul>`;
}

function About({ document, given }) {
  const bounds = boundsOf(document, given);
  if (!given.description && !bounds) return null;
  return html`<p class="quiet small">
    ${given.description && coded(`${given.description} `)}${bounds && `(${bounds})`}
  </p>`;
}

/** Drawn when it is opened: models lie within models for a long way down. */
export function Within({ document, given, label = "its fields" }) {
  const [open, setOpen] = useState(false);
  const inner = objectIn(document, given);
  if (!inner) return null;
  return html`<details onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary class="small">${label}</summary>
    ${open && html`<${Fields} document=${document} schema=${inner} />`}
  </details>`;
}
