// The trail: who changed what, and when; before and after side by side.

import { get } from "../api.js";
import { Field, Select } from "../components/field.js";
import { More } from "../components/more.js";
import { sheeted } from "../components/sheeted.js";
import { Empty, Loaded } from "../components/states.js";
import { when, words } from "../format.js";
import { html } from "../html.js";
import { usePages } from "../pages.js";
import { requery } from "../router.js";
import { useRested } from "../use.js";

const ACTIONS = {
  "budget.set": "set a limit",
  "settings.changed": "changed settings",
  "order.set": "changed the order",
  "key.set": "set a key",
  "key.removed": "removed a key",
  "prices.confirmed": "confirmed prices",
  "webhook-secret.rotated": "rotated the webhook secret",
  "token.made": "made a token",
  "token.revoked": "revoked a token",
};
const OPTIONS = [
  { value: "", label: "any change" },
  ...Object.entries(ACTIONS).map(([value, label]) => ({ value, label })),
];

export default sheeted("reports/reports.css", "of-reports", Audit);

function Audit({ query }) {
  const asked = useRested({ user: query.user?.trim() ?? "", action: query.action ?? "" }, 300);
  const trail = usePages(
    (page, options) => get("/v1/audit", { query: { ...asked, ...page }, ...options }),
    [JSON.stringify(asked)],
  );
  return html`<div class="view audit">
    <header><h1>Audit</h1></header>
    <form
      class="fields row-filters"
      role="search"
      aria-label="Filters"
      onSubmit=${(event) => event.preventDefault()}
    >
      <${Field} label="Who"
        >${(own) =>
          html`<input
            ...${own}
            dir="auto"
            autocapitalize="none"
            value=${query.user ?? ""}
            onInput=${(event) => requery({ ...query, user: event.target.value })}
          />`}<//
      >
      <${Select}
        label="What"
        value=${query.action ?? ""}
        options=${OPTIONS}
        onChange=${(action) => requery({ ...query, action })}
      />
    </form>
    <section class="panel" aria-label="The trail">
      <${Loaded} from=${trail} rows=${8}
        >${(items) =>
          items.length === 0
            ? html`<${Empty} title="No such change"
                ><p>Changes of budgets, settings, keys and tokens leave a record here.</p><//
              >`
            : html`<ol class="trail">
                  ${items.map((one) => html`<${Record} key=${one.id} record=${one} />`)}
                </ol>
                <${More} of=${trail} />`}<//
      >
    </section>
  </div>`;
}

function Record({ record }) {
  return html`<li>
    <p class="trail-head">
      <span class="quiet nowrap"><time datetime=${record.at}>${when(record.at)}</time></span
      >${" "}<span
        ><b><bdi>${record.user}</bdi></b
        >${" "}${ACTIONS[record.action] ?? words(record.action)}:${" "}<bdi class="object"
          >${record.object}</bdi
        ></span
      >
    </p>
    ${
      record.changes.length > 0 &&
      html`<dl class="changes">
        ${record.changes.map(
          (one) =>
            html`<div key=${one.field}>
              <dt>${words(one.field)}</dt>
              <dd>
                <bdi class="before"
                  ><span class="unseen">before </span>${told(one.before, one.field)}</bdi
                >${" "}<span aria-hidden="true">→</span>${" "}<bdi class="after"
                  ><span class="unseen">after </span>${told(one.after, one.field)}</bdi
                >
              </dd>
            </div>`,
        )}
      </dl>`
    }
    <p class="hint">
      request${" "}<code>${record.request_id}</code>${record.token_id && html`, token${" "}<code>${record.token_id}</code>`}
    </p>
  </li>`;
}

/** A value of any JSON type in words. */
function told(value, field = "") {
  if (value === null || value === "") return "nothing";
  if (field.endsWith("_at")) return when(value);
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.length ? value.map((one) => told(one)).join(", ") : "none";
  return typeof value === "object"
    ? Object.entries(value)
        .map(([name, one]) => `${words(name)} ${told(one)}`)
        .join(", ")
    : String(value);
}
