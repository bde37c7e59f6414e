// The shots as a grid of cells. Enter goes down (and adds a shot at the end), Ctrl with an arrow to
// the same cell of the next row, Alt with an arrow moves the shot; a handle drags it.

import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { Icon } from "../components/icons.js";
import { usd } from "../format.js";
import { AUTO, MOTIONS, NONE, RATIOS, moreOf } from "./draft.js";

export const PAGE = 50;
const SIZES = ["720p", "1080p", "4k", "1024x1024"];
const FOLDED = ["negative_prompt", "clip_prompt", "variation_provider"];

/** What the selects offer, out of the providers that there are. */
export function choicesOf(providers = []) {
  const of = (type) =>
    providers
      .filter((one) => one.type === type && one.built)
      .map((one) => ({
        value: one.id,
        text: one.enabled && !one.retired ? one.id : `${one.id} (off)`,
      }));
  const plain = (values) => values.map((value) => ({ value, text: value.replace("_", " ") }));
  const auto = { value: AUTO, text: "auto" };
  const none = { value: NONE, text: "none" };
  return {
    keyframe_provider: [auto, ...of("image"), none],
    variation_provider: [none, auto, ...of("image")],
    clip_provider: [auto, ...of("video"), none],
    resolution: plain(SIZES),
    aspect_ratio: plain(RATIOS),
    motion: plain(MOTIONS),
  };
}

const COLUMNS = [
  { name: "prompt", title: "Prompt", kind: "text" },
  { name: "scene", title: "Scene", kind: "line" },
  { name: "keyframe_provider", title: "Keyframe", kind: "choice" },
  { name: "clip_provider", title: "Clip", kind: "choice" },
  { name: "duration_s", title: "Seconds", kind: "number" },
  { name: "resolution", title: "Size", kind: "choice" },
  { name: "aspect_ratio", title: "Ratio", kind: "choice" },
  { name: "motion", title: "Motion", kind: "choice" },
];
const MORE = [
  { name: "negative_prompt", title: "Not in the picture", kind: "line" },
  { name: "clip_prompt", title: "Words for the clip", kind: "line" },
  { name: "variation_provider", title: "Variation", kind: "choice" },
];

/** What the cells are called. */
export const TITLES = Object.fromEntries(
  [...COLUMNS, ...MORE].map((column) => [column.name, column.title]),
);

export function Grid({ draft, faults, prices, choices, first, on }) {
  const rows = draft.rows.slice(first, first + PAGE);
  const table = useRef(null);
  const drag = useDrag(table, first, on.move);
  return html`<table
    class="shots"
    ref=${table}
    onKeyDown=${(event) => keys(event, table.current, on)}
  >
    <caption class="unseen">
      Shots. Enter goes to the next row, Control with an arrow to the row above or below, Alt with
      an arrow moves the shot.
    </caption>
    <thead>
      <tr>
        <th scope="col" class="col-place">Shot</th>
        ${COLUMNS.map(
          (column) =>
            html`<th scope="col" key=${column.name} class=${`col-${column.name}`}>
              ${column.title}
            </th>`,
        )}
        <th scope="col" class="col-price">Price</th>
        <th scope="col" class="col-acts"><span class="unseen">Actions</span></th>
      </tr>
      <${Defaults} cells=${draft.defaults} choices=${choices} onCell=${on.byDefault} />
    </thead>
    <tbody>
      ${rows.map(
        (row, i) =>
          html`<${Row}
            key=${row.id}
            row=${row}
            place=${first + i}
            last=${draft.rows.length - 1}
            defaults=${draft.defaults}
            faults=${faults[row.id]}
            price=${prices[row.id]}
            choices=${choices}
            on=${on}
            mark=${drag.mark(first + i)}
            onGrab=${drag.grab}
          />`,
      )}
    </tbody>
  </table>`;
}

/** What holds where a shot says nothing. */
function Defaults({ cells, choices, onCell }) {
  return html`<tr class="defaults">
    <th scope="row" class="col-place">All</th>
    ${COLUMNS.map(
      (column) =>
        html`<td key=${column.name} class=${`col-${column.name}`} data-title=${column.title}>
          ${
            column.name in cells
              ? html`<${Cell}
                  column=${column}
                  value=${cells[column.name]}
                  byDefault=""
                  label=${`${column.title} where a shot says nothing`}
                  choices=${choices}
                  row="all"
                  onInput=${(text) => onCell(column.name, text)}
                />`
              : column.name === "prompt" &&
                html`<span class="hint">where a shot says nothing</span>`
          }
        </td>`,
    )}
    <td class="col-price"></td>
    <td class="col-acts"></td>
  </tr>`;
}

function Row({ row, place, last, defaults, faults, price, choices, on, mark, onGrab }) {
  const [open, setOpen] = useState(false);
  const wrong = faults && FOLDED.some((name) => faults[name]);
  const shown = open || wrong;
  const more = moreOf(row);
  const folded = FOLDED.some((name) => row.cells[name] && row.cells[name] !== NONE);
  const cell = (column) =>
    html`<${Cell}
      column=${column}
      value=${row.cells[column.name] ?? ""}
      row=${row.id}
      byDefault=${defaults[column.name] ?? ""}
      fault=${faults?.[column.name]}
      label=${`${column.title}, shot ${row.number}`}
      choices=${choices}
      onInput=${(text) => on.cell(row.id, column.name, text)}
    />`;
  return useMemo(
    () =>
      html`<tr
          class=${["shot", row.on ? "" : "is-left-out", mark].join(" ")}
          data-row=${row.id}
          data-place=${place}
        >
          <th scope="row" class="col-place">
            <button
              type="button"
              class="grip"
              aria-label=${`Move shot ${row.number}: drag, or Alt with an arrow`}
              title="Drag to reorder, or Alt + ↑ ↓"
              onPointerDown=${(event) => onGrab(event, row.id, place)}
            >
              <${Icon} name="drag" />
            </button>
            <span class="number">${row.number}</span>
          </th>
          ${COLUMNS.map(
            (column) =>
              html`<td key=${column.name} class=${`col-${column.name}`} data-title=${column.title}>
                ${cell(column)}
              </td>`,
          )}
          <td class="col-price figure">
            ${row.on ? html`<${Price} price=${price} />` : html`<span class="hint">left out</span>`}
          </td>
          <td class="col-acts">
            <button
              type="button"
              class=${`bare ${folded || more.length ? "has-more" : ""}`}
              aria-expanded=${shown ? "true" : "false"}
              title="More of this shot"
              aria-label=${`More of shot ${row.number}`}
              onClick=${() => setOpen(!open)}
            >
              <${Icon} name="more" />
            </button>
            <button
              type="button"
              class="bare"
              title="Duplicate"
              aria-label=${`Duplicate shot ${row.number}`}
              onClick=${() => on.duplicate(row, place)}
            >
              <${Icon} name="copy" />
            </button>
            <button
              type="button"
              class="bare"
              title="Remove"
              aria-label=${`Remove shot ${row.number}`}
              onClick=${() => on.remove(row)}
            >
              <${Icon} name="close" />
            </button>
          </td>
        </tr>
        ${
          shown &&
          html`<tr class="shot-more" data-row=${row.id}>
            <td></td>
            <td colspan=${COLUMNS.length + 2}>
              <div class="more-cells">
                ${MORE.map(
                  (column) =>
                    html`<div key=${column.name} class=${`col-${column.name}`}>
                      <span class="cell-title" aria-hidden="true">${column.title}</span
                      >${cell(column)}
                    </div>`,
                )}
                <label class="check"
                  ><input
                    type="checkbox"
                    checked=${row.on}
                    onChange=${(event) => on.include(row, event.target.checked)}
                  />${" "}Make this shot</label
                >
                <span class="moves">
                  <button
                    type="button"
                    class="bare"
                    disabled=${place === 0}
                    onClick=${() => on.move(row.id, place - 1)}
                    aria-label=${`Move shot ${row.number} up`}
                  >
                    ↑ Up
                  </button>
                  <button
                    type="button"
                    class="bare"
                    disabled=${place === last}
                    onClick=${() => on.move(row.id, place + 1)}
                    aria-label=${`Move shot ${row.number} down`}
                  >
                    ↓ Down
                  </button>
                </span>
                ${
                  more.length > 0 &&
                  html`<p class="hint">From the file, kept and sent: ${more.join(", ")}.</p>`
                }
              </div>
            </td>
          </tr>`
        }`,
    [row, place, last, defaults, faults, price, choices, on, mark, shown, open],
  );
}

function Price({ price }) {
  if (!price) return html`<span class="hint">–</span>`;
  const fallback = price.max !== price.total;
  return html`<span title=${fallback ? `at most ${usd(price.max)}` : null}
      >${usd(price.total)}</span
    >
    ${fallback && html`<span class="hint at-most">≤ ${usd(price.max)}</span>`}`;
}

function Cell({ column, value, byDefault, fault, label, choices, row, onInput }) {
  const common = {
    "aria-label": label,
    "aria-invalid": fault ? "true" : null,
    "aria-description": fault ?? null,
    title: fault ?? null,
    "data-cell": column.name,
    "data-of": row,
    onInput: (event) => onInput(event.target.value),
  };
  if (column.kind === "choice") {
    const known = choices[column.name];
    const odd = value && !known.some((one) => one.value === value);
    const told = known.find((one) => one.value === byDefault)?.text ?? byDefault;
    return html`<select ...${common} value=${value} class=${value ? "" : "is-default"}>
        <option value="">${told || "–"}</option>
        ${known.map(
          (one) => html`<option key=${one.value} value=${one.value}>${one.text}</option>`,
        )}
        ${odd && html`<option value=${value}>${value}</option>`}</select
      >${fault && html`<span class="fault">${fault}</span>`}`;
  }
  const box =
    column.kind === "text"
      ? html`<textarea
          ...${common}
          rows="1"
          dir="auto"
          spellcheck="true"
          value=${value}
          placeholder="What is to be seen"
        ></textarea>`
      : html`<input
          ...${common}
          dir="auto"
          type="text"
          inputmode=${column.kind === "number" ? "numeric" : null}
          value=${value}
          placeholder=${byDefault}
          autocomplete="off"
        />`;
  return html`${box}${fault && html`<span class="fault">${fault}</span>`}`;
}

// --- keys and dragging ---------------------------------------------------------------------------

function keys(event, table, on) {
  const { target, key } = event;
  const row = target.closest("[data-row]");
  if (!row || event.isComposing) return;
  const id = Number(row.dataset.row);
  const step = key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : 0;
  if (event.altKey && step) {
    event.preventDefault();
    on.shift(id, step);
  } else if ((event.ctrlKey || event.metaKey) && step && target.dataset.cell) {
    if (focusBeside(table, target, step)) event.preventDefault();
  } else if (
    key === "Enter" &&
    !event.shiftKey &&
    /^(input|textarea)$/i.test(target.tagName) &&
    target.dataset.cell
  ) {
    event.preventDefault();
    if (!focusBeside(table, target, 1)) on.below(id, target.dataset.cell);
  }
}

function focusBeside(table, target, step) {
  const same = [...table.querySelectorAll(`tbody [data-cell="${target.dataset.cell}"]`)];
  const next = same[same.indexOf(target) + step];
  next?.focus();
  return Boolean(next);
}

/** Dragging by pointer, so that mouse, pen and finger do the same. Nothing moves until it ends. */
function useDrag(table, first, onMove) {
  const [held, setHeld] = useState(null);
  useEffect(() => {
    if (!held) return undefined;
    const over = (event) => {
      const rows = [...table.current.querySelectorAll("tbody tr.shot")];
      const under = rows.filter((row) => row.getBoundingClientRect().top < event.clientY).length;
      setHeld(
        (now) =>
          now && {
            ...now,
            gap: first + Math.max(0, under - (beforeMiddle(rows[under - 1], event) ? 1 : 0)),
          },
      );
    };
    const drop = () => {
      if (held.gap !== null) onMove(held.id, held.gap > held.place ? held.gap - 1 : held.gap);
      setHeld(null);
    };
    const stop = (event) => event.key === "Escape" && setHeld(null);
    addEventListener("pointermove", over);
    addEventListener("pointerup", drop);
    addEventListener("pointercancel", drop);
    addEventListener("keydown", stop);
    return () => {
      removeEventListener("pointermove", over);
      removeEventListener("pointerup", drop);
      removeEventListener("pointercancel", drop);
      removeEventListener("keydown", stop);
    };
  }, [held, first, onMove]);
  return {
    grab: (event, id, place) => {
      if (event.button !== 0) return;
      event.preventDefault();
      event.currentTarget.focus();
      setHeld({ id, place, gap: null });
    },
    mark: (place) => {
      if (!held || held.gap === null) return "";
      if (held.gap === place) return "drop-before";
      return held.gap === place + 1 ? "drop-after" : "";
    },
  };
}

function beforeMiddle(row, event) {
  if (!row) return false;
  const { top, height } = row.getBoundingClientRect();
  return event.clientY < top + height / 2;
}
