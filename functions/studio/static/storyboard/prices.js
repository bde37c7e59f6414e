// What a draft would cost: strategies side by side, the month's room, and what to do without any.

import { Stacked } from "../components/stacked.js";
import { amount, micros, usd } from "../format.js";
import { html } from "../html.js";

const STRATEGIES = [
  ["priority", "Priority", "your order of providers"],
  ["cheapest", "Cheapest", "the lowest price first"],
  ["fastest", "Fastest", "the quickest first"],
  ["quality", "Quality", "the best first"],
  ["hybrid", "Hybrid", "stills by quality, clips fast"],
];

export function Strategies({ chosen, estimate, stale, onChoose }) {
  const totals = estimate?.strategies ?? {};
  const most = Math.max(1, ...Object.values(totals).map((one) => micros(one.max)));
  return html`<fieldset class=${`strategies ${stale ? "is-stale" : ""}`}>
    <legend>Total by strategy</legend>
    ${STRATEGIES.map(
      ([id, title, told]) =>
        html`<label key=${id} class=${`strategy ${id === chosen ? "is-chosen" : ""}`}>
          <input
            type="radio"
            name="strategy"
            value=${id}
            checked=${id === chosen}
            onChange=${() => onChoose(id)}
          />
          <span class="strategy-name">${title}</span>
          <span class="strategy-total figure">${usd(totals[id]?.total)}</span>
          <${Bar} value=${totals[id] ? micros(totals[id].total) / most : 0} />
          <span class="hint"
            >${
              totals[id]
                ? html`at most${" "}<span class="figure">${usd(totals[id].max)}</span>`
                : told
            }</span
          >
          <span class="hint makers">${totals[id] ? makers(totals[id]) : " "}</span>
        </label>`,
    )}
  </fieldset>`;
}

const makers = (totals) => Object.keys(totals.by_provider).join(", ") || "nobody";

function Bar({ value }) {
  return html`<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    <rect class="bar-ground" width="100" height="4" />
    <rect class="bar-value" width=${100 * value} height="4" />
  </svg>`;
}

/** The budget with the least room for this draft: `budgets` as listed, and the draft's own. */
export function tightest(budgets, draft, user) {
  const scopes = [
    "owner",
    `user:${user}`,
    ...(draft.project.trim() ? [`project:${draft.project.trim()}`] : []),
  ];
  const rooms = budgets
    .filter((one) => scopes.includes(one.scope))
    .map((one) => ({
      name: nameOf(one.scope),
      limit: one.limit,
      spent: one.spent,
      held: one.held,
      room: one.room,
    }));
  const own = /^[0-9]+(\.[0-9]{1,4})?$/.test(draft.budget.trim())
    ? amount(micros(draft.budget.trim()))
    : null;
  if (own !== null)
    rooms.push({
      name: "this storyboard's budget",
      limit: own,
      spent: "0.0000",
      held: "0.0000",
      room: own,
    });
  return rooms.reduce(
    (least, one) => (!least || micros(one.room) < micros(least.room) ? one : least),
    null,
  );
}

function nameOf(scope) {
  if (scope === "owner") return "the studio's month";
  if (scope === "storyboard") return "this storyboard's budget";
  const [kind, ...name] = scope.split(":");
  return `${kind} ${name.join(":")}`;
}

/** Spent, held, and what this storyboard would hold, against a limit. */
export function Room({ budget, needed }) {
  if (!budget) return html`<div class="room is-empty"></div>`;
  const limit = micros(budget.limit);
  const parts = [
    ["spent", micros(budget.spent)],
    ["held", micros(budget.held)],
    ["wanted", micros(needed ?? "0")],
  ];
  const over = micros(needed ?? "0") > micros(budget.room);
  const whole = Math.max(
    limit,
    parts.reduce((sum, [, value]) => sum + value, 0),
    1,
  );
  const told =
    `Of ${nameAndLimit(budget)}: ${usd(budget.spent)} spent, ${usd(budget.held)} held, ` +
    `${usd(needed ?? "0.0000")} for this storyboard, ${usd(budget.room)} free before it.`;
  return html`<div class=${`room ${over ? "is-over" : ""}`}>
    <${Stacked} parts=${parts} whole=${whole} limit=${limit} label=${told} />
    <p class="room-told">
      <span
        ><bdi>${budget.name}</bdi>:${" "}<b class="figure">${usd(budget.room)}</b>${" "}free
        of${" "}<span class="figure">${usd(budget.limit)}</span></span
      >
      ${
        over &&
        html`<strong class="over"
          >at most ${usd(needed)} needed: ${usd(amount(micros(needed) - micros(budget.room)))} too
          much</strong
        >`
      }
    </p>
  </div>`;
}

const nameAndLimit = (budget) => `${budget.name}, ${usd(budget.limit)}`;

/** What the gateway says would fit, as an offer to act on. */
export function Offer({ problem, busy, onTake, onTakeAndStart, onClose }) {
  const { fits } = problem;
  const cheaper = fits.downgrade.map((shot) => shot.number);
  const nothing = fits.max === "0.0000";
  return html`<section class="fit-offer" aria-label="What would fit" role="alert">
    <h2>It does not fit</h2>
    <p>
      At most${" "}<b class="figure">${usd(problem.needed)}</b>${" "}would be needed,
      and${" "}<bdi>${nameOf(problem.scope)}</bdi>${" "}has
      <b class="figure"> ${usd(problem.room)}</b> left. Nothing was started.
    </p>
    ${
      nothing
        ? html`<p>Not even one shot fits. An admin can raise the limit under Budgets.</p>`
        : html`<ul>
              ${fits.drop.length > 0 && html`<li>leave out ${shots(fits.drop)}</li>`}
              ${
                cheaper.length > 0 &&
                html`<li>make ${shots(cheaper)} with the cheapest provider, without a fallback</li>`
              }
            </ul>
            <p>Then it costs at most <b class="figure">${usd(fits.max)}</b>.</p>
            <div class="row">
              <button type="button" class="primary" disabled=${busy} onClick=${onTakeAndStart}>
                Do that and start
              </button>
              <button type="button" disabled=${busy} onClick=${onTake}>
                Change the draft only
              </button>
              <button type="button" class="bare" onClick=${onClose}>Leave it</button>
            </div>`
    }
  </section>`;
}

/** Write [1, 2, 3, 5] as "shots 1–3, 5". */
export function shots(numbers) {
  const runs = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  const told = runs.map(([from, upTo]) =>
    from === upTo ? `${from}` : `${from}${upTo - from > 1 ? "–" : ", "}${upTo}`,
  );
  return `shot${numbers.length > 1 ? "s" : ""} ${told.join(", ")}`;
}
