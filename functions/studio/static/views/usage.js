// Where the money went: a month in figures and bars, every attempt as a row, and what came otherwise
// than ordered.
//
// #/usage?period=2026-10&provider=dalle…      #/usage/discrepancies?…

import { get } from "../api.js";
import { Field, Select } from "../components/field.js";
import { Icon } from "../components/icons.js";
import { More } from "../components/more.js";
import { sheeted } from "../components/sheeted.js";
import { Empty, Loaded, State } from "../components/states.js";
import { tell, tellError } from "../components/tell.js";
import { follow } from "../files.js";
import { micros, percent, seconds, usd, when, words } from "../format.js";
import { Fragment, html, useMemo, useState } from "../html.js";
import { usePages } from "../pages.js";
import { BudgetBar, Days, Shares } from "../reports/charts.js";
import { daysOf, monthBeside, sharesOf, thisMonth, titleOf } from "../reports/figures.js";
import { requery, to } from "../router.js";
import { useLoad, useRested } from "../use.js";

const FILTERS = ["provider", "type", "status", "user", "project", "from", "to"];
const STATUSES = ["", "pending", "success", "failed"].map((value) => ({
  value,
  label: value || "any",
}));
const TYPES = ["", "image", "video"].map((value) => ({ value, label: value || "any" }));

export default sheeted("reports/reports.css", "of-reports", Usage);

function Usage({ path, query, who }) {
  const period = query.period ?? thisMonth();
  const summary = useLoad(
    async ({ signal }) => (await get("/v1/usage/summary", { query: { period }, signal })).data,
    [period],
  );
  const budget = useLoad(
    async ({ signal }) =>
      ownBudget((await get("/v1/budgets", { query: { period }, signal })).data.items, who),
    [period],
  );
  const odd = path[0] === "discrepancies";
  return html`<div class="view usage">
    <header>
      <h1>Usage</h1>
      <${Months} period=${period} onGo=${(next) => requery({ ...query, period: next })} />
    </header>
    <div class=${summary.data || summary.error ? "" : "figures-wait"}>
      <${Loaded} from=${summary} rows=${6}>
        ${(data) =>
          html`<${Figures} data=${data} budget=${budget.data} stale=${data.period !== period} />`}
      <//>
    </div>
    <nav class="tabs" aria-label="Rows">
      <a href=${to("usage", [], query)} aria-current=${odd ? null : "page"}>Every attempt</a>
      <a href=${to("usage", ["discrepancies"], query)} aria-current=${odd ? "page" : null}
        >Otherwise than ordered</a
      >
    </nav>
    <${Rows} key=${odd ? "odd" : "all"} odd=${odd} query=${query} period=${period} />
  </div>`;
}

const ownBudget = (items, who) =>
  items.find((one) => one.scope === "owner") ??
  items.find((one) => one.scope === `user:${who.user}`) ??
  null;

function Months({ period, onGo }) {
  const isLast = period >= thisMonth();
  return html`<div class="months" role="group" aria-label="Month">
    <button
      type="button"
      class="bare"
      aria-label="The month before"
      onClick=${() => onGo(monthBeside(period, -1))}
    >
      ‹
    </button>
    <b aria-live="polite">${titleOf(period)}</b>
    <button
      type="button"
      class="bare"
      aria-label="The month after"
      disabled=${isLast}
      onClick=${() => onGo(monthBeside(period, 1))}
    >
      ›
    </button>
  </div>`;
}

// --- the month -----------------------------------------------------------------------------------

function Figures({ data, budget, stale }) {
  const days = useMemo(() => daysOf(data.period, data.by_day), [data]);
  const against = data.estimate_against_actual;
  const over = micros(against.actual) > micros(against.estimated);
  return html`<div class=${`figures ${stale ? "is-stale" : ""}`}>
    <dl class="sum-tiles">
      <div class="is-wide">
        <dt>Spent</dt>
        <dd class="large">${usd(data.total_spent)}</dd>
        ${
          budget &&
          html`<dd><${BudgetBar} budget=${budget} label="This month" /></dd>
            <dd class="quiet">
              ${usd(data.held)} held · ${usd(budget.room)} free of ${usd(budget.limit)}
            </dd>`
        }
      </div>
      <div>
        <dt>Estimated for what is paid</dt>
        <dd class="large">${usd(against.estimated)}</dd>
        <dd class=${over ? "fault" : "quiet"}>
          ${
            micros(against.actual) === micros(against.estimated)
              ? "and it cost just that"
              : html`it cost ${usd(against.actual)}, ${signed(against.difference)}`
          }
        </dd>
      </div>
      <div>
        <dt>Success</dt>
        <dd class="large">${percent(data.success_rate)}</dd>
        <dd class="quiet">${data.succeeded} made, ${data.failed} failed, of ${data.count}</dd>
      </div>
      <div>
        <dt>A storyboard, on average</dt>
        <dd class="large">${usd(data.average_cost_per_storyboard)}</dd>
        <dd class="quiet">${data.storyboards} made</dd>
      </div>
    </dl>
    <section class="panel by-day">
      <header>
        <h2>By day</h2>
        <span class="quiet small">UTC</span>
      </header>
      <${Days}
        days=${days}
        label=${`Spent by day in ${titleOf(data.period)}, ${usd(data.total_spent)} in all`}
      />
      <details>
        <summary class="quiet small">As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col" class="figure">Spent</th>
            </tr>
          </thead>
          <tbody>
            ${data.by_day.map(
              (one) =>
                html`<tr key=${one.date}>
                  <td>${one.date}</td>
                  <td class="figure">${usd(one.spent)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </details>
    </section>
    <${By} title="By provider" amounts=${data.by_provider} field="provider" />
    <${By} title="By type" amounts=${data.by_type} field="type" />
    ${data.by_user && html`<${By} title="By user" amounts=${data.by_user} field="user" />`}
    ${
      data.by_project &&
      html`<${By} title="By project" amounts=${data.by_project} field="project" />`
    }
  </div>`;
}

const signed = (difference) =>
  difference.startsWith("-") ? `−$${difference.slice(1)}` : `+$${difference}`;

function By({ title, amounts, field }) {
  const rows = useMemo(() => sharesOf(amounts), [amounts]);
  return html`<section class="panel">
    <header><h2>${title}</h2></header>
    <${Shares}
      rows=${rows}
      label=${title}
      none="Nothing was spent."
      href=${(name) => to("usage", [], { [field]: name })}
    />
  </section>`;
}

// --- rows ----------------------------------------------------------------------------------------

function Rows({ odd, query, period }) {
  const asked = useMemo(() => asRange(query, period), [query, period]);
  const rested = useRested(asked, 300);
  const path = odd ? "/v1/usage/discrepancies" : "/v1/usage";
  const rows = usePages(
    (page, options) => get(path, { query: { ...rested, ...page }, ...options }),
    [path, JSON.stringify(rested)],
  );
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    try {
      const { data } = await get("/v1/usage", { query: { ...rested, format: "link" } });
      follow(data.url, "usage.csv");
      tell(`${data.rows} rows are on their way.`);
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  };
  return html`<section
    class="panel rows"
    aria-label=${odd ? "Otherwise than ordered" : "Every attempt"}
  >
    <${Filters} query=${query} />
    <${Loaded} from=${rows} rows=${8}>
      ${(items) =>
        items.length === 0
          ? html`<${Empty} title=${odd ? "Everything came as ordered" : "No attempts"}
              ><p>
                ${odd ? "No take and no bill of these rows differs from its order." : "None in this month with these filters."}
              </p><//
            >`
          : html`${
                odd
                  ? html`<${Discrepancies} items=${items} />`
                  : html`<${Attempts} items=${items} />`
              }<${More} of=${rows} />`}
    <//>
    ${
      !odd &&
      html`<div class="actions">
        <button type="button" disabled=${busy} onClick=${download}>
          <${Icon} name="download" />${busy ? "Being written…" : "All rows as CSV"}
        </button>
      </div>`
    }
  </section>`;
}

/** The filters as the gateway takes them: the month, unless days are said. */
function asRange(query, period) {
  const said = Object.fromEntries(
    FILTERS.filter((name) => query[name]?.trim()).map((name) => [name, query[name].trim()]),
  );
  const last = new Date(Date.parse(`${monthBeside(period, 1)}-01T00:00:00Z`) - 1)
    .toISOString()
    .slice(0, 10);
  return { from: `${period}-01`, to: last, ...said };
}

function Filters({ query }) {
  const set = (name) => (event) =>
    requery({ ...query, [name]: event.currentTarget?.value ?? event });
  const any = FILTERS.some((name) => query[name]);
  const text = (name, label, type = "text") =>
    html`<${Field} label=${label}>
      ${(own) =>
        html`<input
          ...${own}
          type=${type}
          dir="auto"
          value=${query[name] ?? ""}
          onInput=${set(name)}
        />`}
    <//>`;
  return html`<form
    class="fields row-filters"
    role="search"
    aria-label="Filters"
    onSubmit=${(event) => event.preventDefault()}
  >
    ${text("provider", "Provider")}
    <${Select}
      label="Type"
      value=${query.type ?? ""}
      options=${TYPES}
      onChange=${(value) => requery({ ...query, type: value })}
    />
    <${Select}
      label="Status"
      value=${query.status ?? ""}
      options=${STATUSES}
      onChange=${(value) => requery({ ...query, status: value })}
    />
    ${text("user", "User")}${text("project", "Project")}${text("from", "From", "date")}${text("to", "To", "date")}
    <div class="field clear">
      <button
        type="button"
        class="bare"
        disabled=${!any}
        onClick=${() => requery({ period: query.period })}
      >
        Clear filters
      </button>
    </div>
  </form>`;
}

function Attempts({ items }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Attempts">
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Status</th>
          <th scope="col">Provider</th>
          <th scope="col">What</th>
          <th scope="col" class="figure">Estimated</th>
          <th scope="col" class="figure">Actual</th>
          <th scope="col">User</th>
          <th scope="col">Project</th>
          <th scope="col">Shot</th>
          <th scope="col">Generation</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          (row) =>
            html`<tr key=${row.id}>
              <td class="nowrap">${when(row.created_at)}</td>
              <td>
                <${State}
                  is=${row.status}
                />${row.error && html`<div class="hint">${words(row.error)}</div>`}${marks(row)}
              </td>
              <td>
                ${row.provider}
                <div class="hint">${row.model}</div>
              </td>
              <td class="nowrap">
                ${row.type}
                <div class="hint">
                  ${[row.resolution, row.duration_s && seconds(row.duration_s)].filter(Boolean).join(", ")}
                </div>
              </td>
              <td class="figure">${usd(row.estimated_cost)}</td>
              <td class="figure">
                ${
                  row.actual_cost === null
                    ? html`<span class="quiet">open</span>`
                    : usd(row.actual_cost)
                }
              </td>
              <td><bdi>${row.user}</bdi></td>
              <td><bdi>${row.project}</bdi></td>
              <td class="figure">${row.shot_number}</td>
              <td>
                <a href=${to("library", [row.generation_id])}
                  ><code>${row.generation_id.slice(0, 12)}…</code></a
                >
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const marks = (row) =>
  [
    ["skipped", "passed over"],
    ["late", "late"],
    ["double_spend", "paid twice"],
  ]
    .filter(([name]) => row[name])
    .map(([name, told]) => html`<div class="hint" key=${name}>${told}</div>`);

function Discrepancies({ items }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Discrepancies">
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Provider</th>
          <th scope="col">What differs</th>
          <th scope="col">Ordered</th>
          <th scope="col">Delivered</th>
          <th scope="col" class="figure">Estimate</th>
          <th scope="col" class="figure">Ledger</th>
          <th scope="col" class="figure">Vendor</th>
          <th scope="col">Generation</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          (row) =>
            html`<${Fragment} key=${row.id}
              >${row.differences.map(
                (one, i) =>
                  html`<tr key=${one.what}>
                    <td class="nowrap">${i === 0 && when(row.created_at)}</td>
                    <td>${i === 0 && row.provider}</td>
                    <td>${words(one.what)}</td>
                    <td class="nowrap">${one.ordered} ${one.unit}</td>
                    <td class="nowrap">${one.delivered} ${one.unit}</td>
                    <td class="figure">${usd(row.costs.estimate)}</td>
                    <td class="figure">${usd(row.costs.ledger)}</td>
                    <td class="figure">${usd(row.costs.vendor)}</td>
                    <td>
                      ${
                        i === 0 &&
                        html`<a href=${to("library", [row.generation_id])}
                          ><code>${row.generation_id.slice(0, 12)}…</code></a
                        >`
                      }
                    </td>
                  </tr>`,
              )}<//
            >`,
        )}
      </tbody>
    </table>
  </div>`;
}
