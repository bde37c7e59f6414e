// Budgets and notices: what may be spent, what is, and what the owner was told.

import { get, put } from "../api.js";
import { Dialog } from "../components/dialog.js";
import { Field, Select } from "../components/field.js";
import { Icon } from "../components/icons.js";
import { More } from "../components/more.js";
import { sheeted } from "../components/sheeted.js";
import { Empty, Failure, Loaded, Loading } from "../components/states.js";
import { tell } from "../components/tell.js";
import { usd, when, words } from "../format.js";
import { html, useState } from "../html.js";
import { usePages } from "../pages.js";
import { BudgetBar } from "../reports/charts.js";
import { titleOf, usedPercent } from "../reports/figures.js";
import { to } from "../router.js";
import { may } from "../session.js";
import { useLoad } from "../use.js";

const KINDS = [
  { value: "user", label: "A user" },
  { value: "project", label: "A project" },
  { value: "provider", label: "A provider" },
];
const NO_LIMIT = "Empty: no limit of its own, the studio's holds.";
const OWNER_LIMIT = "It bounds everything; lowering it stops nothing that already runs.";
const ORDER = ["owner", "user", "project", "provider"];

export default sheeted("reports/reports.css", "of-reports", Budgets);

function Budgets() {
  const budgets = useLoad(async ({ signal }) => (await get("/v1/budgets", { signal })).data);
  const [edited, setEdited] = useState(null);
  return html`<div class="view budgets">
    <header>
      <h1>Budgets and notices</h1>
      ${
        may("admin") &&
        html`<div class="actions">
          <button type="button" onClick=${() => setEdited("new")}>
            <${Icon} name="create" />Limit something else
          </button>
        </div>`
      }
    </header>
    <div class="two">
      <section class="budget-list" aria-label="Budgets">
        <${Loaded} from=${budgets} rows=${5}
          >${({ items, period }) =>
            html`<h2 class="quiet">${titleOf(period)}</h2>
              ${
                items.length === 0 &&
                html`<${Empty} title="No budgets yet"
                  ><p>They appear with the first spending.</p><//
                >`
              }
              ${sorted(items)
                .filter(isLimited)
                .map(
                  (one) =>
                    html`<${Budget}
                      key=${one.scope}
                      budget=${one}
                      onEdit=${() => setEdited(one)}
                    />`,
                )}
              <${Unlimited}
                items=${sorted(items).filter((one) => !isLimited(one))}
                onEdit=${setEdited}
              />`}
        <//>
      </section>
      <${Notices} />
    </div>
    ${
      edited &&
      html`<${Edit}
        budget=${edited === "new" ? null : edited}
        onClose=${() => setEdited(null)}
        onDone=${() => {
          setEdited(null);
          budgets.reload();
        }}
      />`
    }
  </div>`;
}

const isLimited = (budget) => budget.limit_of === budget.scope;
const kindOf = (scope) => scope.split(":")[0];
const sorted = (items) =>
  [...items].sort(
    (a, b) =>
      ORDER.indexOf(kindOf(a.scope)) - ORDER.indexOf(kindOf(b.scope)) ||
      a.scope.localeCompare(b.scope),
  );

function Scope({ scope }) {
  if (scope === "owner") return html`The whole studio`;
  return html`<span class="quiet">${kindOf(scope)}</span>${" "}<bdi
      >${scope.slice(scope.indexOf(":") + 1)}</bdi
    >`;
}

function Budget({ budget, onEdit }) {
  const [open, setOpen] = useState(false);
  const used = usedPercent(budget);
  return html`<section class="panel budget" data-scope=${budget.scope}>
    <header>
      <h3><${Scope} scope=${budget.scope} /></h3>
      <span class="figure"
        >${
          used === null
            ? html`<span class="quiet">nothing may be spent</span>`
            : html`<b>${used.toFixed(1)} %</b>${" "}used`
        }</span
      >
    </header>
    <${BudgetBar} budget=${budget} label=${budget.scope} />
    <dl class="sums">
      <div>
        <dt>Spent</dt>
        <dd class="figure">${usd(budget.spent)}</dd>
      </div>
      <div>
        <dt>Held</dt>
        <dd class="figure">${usd(budget.held)}</dd>
      </div>
      <div>
        <dt>Free</dt>
        <dd class="figure">${usd(budget.room)}</dd>
      </div>
      <div>
        <dt>Limit</dt>
        <dd class="figure">${usd(budget.limit)}</dd>
      </div>
      <div>
        <dt>Notice at</dt>
        <dd>
          ${budget.alert_at.length ? budget.alert_at.map((one) => `${one} %`).join(", ") : "never"}
        </dd>
      </div>
    </dl>
    <div class="actions">
      ${
        may("admin") &&
        html`<button
          type="button"
          onClick=${onEdit}
          aria-label=${`Set the limit of ${budget.scope}`}
        >
          Set the limit
        </button>`
      }
      <button
        type="button"
        class="bare"
        aria-expanded=${open ? "true" : "false"}
        onClick=${() => setOpen(!open)}
        aria-label=${`Months before, of ${budget.scope}`}
      >
        Months before
      </button>
    </div>
    ${open && html`<${History} scope=${budget.scope} />`}
  </section>`;
}

/** Who spends without a limit of their own, bounded by the studio's. */
function Unlimited({ items, onEdit }) {
  if (!items.length) return null;
  return html`<section class="panel" aria-label="Without a limit of their own">
    <header>
      <h3>Without a limit of their own</h3>
      <span class="quiet small">the studio's holds</span>
    </header>
    <div class="scroll" tabindex="0" role="region" aria-label="Spent without a limit">
      <table>
        <thead>
          <tr>
            <th scope="col">Scope</th>
            <th scope="col" class="figure">Spent</th>
            <th scope="col" class="figure">Held</th>
            ${may("admin") && html`<th scope="col"><span class="unseen">Limit</span></th>`}
          </tr>
        </thead>
        <tbody>
          ${items.map(
            (one) =>
              html`<tr key=${one.scope} data-scope=${one.scope}>
                <th scope="row"><${Scope} scope=${one.scope} /></th>
                <td class="figure">${usd(one.spent)}</td>
                <td class="figure">${usd(one.held)}</td>
                ${
                  may("admin") &&
                  html`<td class="figure">
                    <button
                      type="button"
                      onClick=${() => onEdit(one)}
                      aria-label=${`Set the limit of ${one.scope}`}
                    >
                      Set a limit
                    </button>
                  </td>`
                }
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function History({ scope }) {
  const history = useLoad(
    async ({ signal }) =>
      (await get(`/v1/budgets/${encodeURIComponent(scope)}/history`, { signal })).data.items,
    [scope],
  );
  return html`<${Loaded} from=${history} rows=${2}
    >${(items) =>
      html`<div class="scroll" tabindex="0" role="region" aria-label=${`Months of ${scope}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Month</th>
              <th scope="col" class="figure">Spent</th>
              <th scope="col" class="figure">Held</th>
              <th scope="col" class="figure">Limit</th>
            </tr>
          </thead>
          <tbody>
            ${items.map(
              (one) =>
                html`<tr key=${one.period}>
                  <td class="nowrap">${titleOf(one.period)}</td>
                  <td class="figure">${usd(one.spent)}</td>
                  <td class="figure">${usd(one.held)}</td>
                  <td class="figure">${usd(one.limit)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`}<//
  >`;
}

// --- setting a limit -----------------------------------------------------------------------------

function Edit({ budget, onClose, onDone }) {
  const [kind, setKind] = useState("user");
  const [name, setName] = useState("");
  const [limit, setLimit] = useState(budget && isLimited(budget) ? budget.limit : "");
  const [alerts, setAlerts] = useState((budget?.alert_at ?? [80, 100]).join(", "));
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const scope = budget?.scope ?? `${kind}:${name.trim()}`;
  const percents = percentsOf(alerts);
  const mayBeNone = scope !== "owner";
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await put(`/v1/budgets/${encodeURIComponent(scope)}`, {
        limit: limit.trim() || null,
        alert_at: percents,
      });
      tell("The limit is set.");
      onDone();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const fault = (pointer) => error?.fault?.(pointer);
  return html`<${Dialog}
    title=${budget ? "Set the limit" : "Limit something else"}
    onClose=${onClose}
  >
    <form class="fields one" onSubmit=${save} novalidate>
      ${
        budget
          ? html`<p class="wide">
              <${Scope} scope=${scope} />: ${usd(budget.spent)} spent, ${usd(budget.held)} held
            </p>`
          : html`<${Select} label="What" value=${kind} options=${KINDS} onChange=${setKind} />
              <${Field} label="Its name"
                >${(own) =>
                  html`<input
                    ...${own}
                    dir="auto"
                    autofocus
                    value=${name}
                    onInput=${(event) => setName(event.target.value)}
                  />`}<//
              >`
      }
      <${Field}
        label="Limit a month, in USD"
        fault=${fault("/limit")}
        hint=${mayBeNone ? NO_LIMIT : OWNER_LIMIT}
      >
        ${(own) =>
          html`<input
            ...${own}
            inputmode="decimal"
            autocomplete="off"
            value=${limit}
            placeholder=${mayBeNone ? "none" : ""}
            onInput=${(event) => setLimit(event.target.value)}
          />`}
      <//>
      <${Field}
        label="Notices at, in percent"
        fault=${percents === null ? "Write whole numbers, such as 80, 100." : errorAt(error)}
        hint="On money spent, once each a month. Empty: none."
      >
        ${(own) =>
          html`<input
            ...${own}
            autocomplete="off"
            value=${alerts}
            onInput=${(event) => setAlerts(event.target.value)}
          />`}
      <//>
      ${
        error &&
        !error.problem?.errors &&
        html`<div class="wide"><${Failure} error=${error} /></div>`
      }
      <div class="actions end wide">
        <button type="button" onClick=${onClose}>Leave it</button>
        <button
          class="primary"
          disabled=${busy || percents === null || (!budget && !name.trim()) || (!mayBeNone && !limit.trim())}
        >
          ${busy ? "Setting…" : "Set it"}
        </button>
      </div>
    </form>
  <//>`;
}

const errorAt = (error) =>
  error?.problem?.errors?.find((one) => one.pointer?.startsWith("/alert_at"))?.message;

/** Read "80, 100" as numbers; null for what is none. */
function percentsOf(text) {
  const parts = text
    .split(/[,;\s]+/)
    .map((part) => part.replace(/%$/, ""))
    .filter(Boolean);
  return parts.every((part) => /^[0-9]{1,4}$/.test(part)) ? parts.map(Number) : null;
}

// --- notices -------------------------------------------------------------------------------------

const TONES = {
  budget: "warn",
  forecast: "warn",
  "provider-suspended": "bad",
  "in-doubt": "bad",
  "double-spend": "bad",
  overrun: "bad",
};

function Notices() {
  const notices = usePages((query, options) => get("/v1/notices", { query, ...options }));
  return html`<section class="panel notices" aria-label="Notices">
    <header>
      <h2>Notices</h2>
      <button type="button" class="bare" disabled=${notices.loading} onClick=${notices.reload}>
        <${Icon} name="again" />Look again
      </button>
    </header>
    ${notices.loading && notices.data === undefined && html`<${Loading} rows=${4} />`}
    ${notices.error && html`<${Failure} error=${notices.error} retry=${notices.reload} />`}
    ${
      notices.data?.length === 0 &&
      html`<${Empty} title="Nothing to tell"
        ><p>
          When a budget is nearly used, a provider is out, or a bill surprises, it stands here.
        </p><//
      >`
    }
    <ol class="notice-list">
      ${notices.data?.map(
        (one) =>
          html`<li key=${one.id} data-tone=${TONES[one.kind] ?? "plain"}>
            <p><b>${one.title}</b> <span class="quiet small">${when(one.at)}</span></p>
            <p><bdi>${one.text}</bdi></p>
            <p class="hint"><${About} notice=${one} /></p>
          </li>`,
      )}
    </ol>
    <${More} of=${notices} />
  </section>`;
}

/** The facts that a person asks for next. */
function About({ notice: { kind, attributes } }) {
  const { scope, threshold, spent, limit, provider, generation_id: generation } = attributes;
  return html`${words(kind)}${
    scope && html` · <bdi>${scope}</bdi>`
  }${threshold && ` · at ${threshold} %`}${
    spent &&
    limit &&
    html` · <span class="figure">${usd(spent)}</span>${" "}of${" "}<span class="figure"
        >${usd(limit)}</span
      >`
  }${provider && ` · ${provider}`}${
    generation && html` · <a href=${to("library", [generation])}>the generation</a>`
  }`;
}
