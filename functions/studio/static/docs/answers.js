// What an operation answers, status by status: fields and examples of what it gives, examples of refusals.

import { html } from "../html.js";
import { resolved, typeOf } from "./document.js";
import { coded } from "./prose.js";
import { Within } from "./schema.js";

const PROBLEM = "application/problem+json";

export function Answers({ operation, document }) {
  return html`<section class="panel" aria-label="Answers">
    <header><h2>Answers</h2></header>
    ${Object.entries(operation.responses).map(
      ([status, given]) => html`<${Answer} key=${status} status=${status} document=${document}
        answer=${resolved(document, given)} />`,
    )}
  </section>`;
}

function Answer({ status, answer, document }) {
  const headers = Object.keys(answer.headers ?? {});
  return html`<div class="answer">
    <p><span class="status" data-kind=${status[0]}>${status}</span> ${coded(answer.description)}</p>
    ${headers.length > 0 && html`<p class="quiet small">Headers: ${headers.map((name) => html`<code>${name}</code> `)}</p>`}
    ${Object.entries(answer.content ?? {}).map(
      ([kind, { schema, examples }]) => html`<div key=${kind}>
        ${kind !== PROBLEM &&
        html`<p class="quiet small"><code>${kind}</code> ${typeOf(document, schema)}</p>`}
        ${Object.entries(examples ?? {}).map(
          ([name, given]) => html`<details key=${name}>
            <summary class="small"><code>${name}</code></summary>
            <pre tabindex="0">${text(resolved(document, given).value)}</pre>
          </details>`,
        )}
        ${(schema.anyOf ?? [schema]).map(
          (one) => kind !== PROBLEM && html`<${Within} document=${document} given=${one}
            label=${`Fields of ${typeOf(document, one)}`} />`,
        )}
      </div>`,
    )}
  </div>`;
}

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
