// The draft: its head, what it would cost, its shots, and starting it.

import { get } from "../api.js";
import { Confirm } from "../components/dialog.js";
import { Field, Select } from "../components/field.js";
import { Icon } from "../components/icons.js";
import { Empty, Failure } from "../components/states.js";
import { usd } from "../format.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../html.js";
import { may } from "../session.js";
import { useLoad } from "../use.js";
import { Problems, useEstimate, useStart } from "./asking.js";
import { Heading } from "./board.js";
import {
  chosen,
  draftOfFile,
  emptyDraft,
  kindOf,
  withCell,
  withMoved,
  withOn,
  withRow,
  withoutRow,
} from "./draft.js";
import { Grid, PAGE, choicesOf } from "./grid.js";
import { useDraft } from "./keep.js";
import { Export, FileButton, FileFaults, Paste } from "./lists.js";
import { Offer, Room, Strategies, shots, tightest } from "./prices.js";

const CONTINUITY = [
  { value: "follow", label: "follow: the others of the scene change too" },
  { value: "stop", label: "stop: wait for my approval" },
  { value: "off", label: "off: every shot for itself" },
];
const LARGEST_FILE = 10_000_000;
const TOO_LARGE = { line: null, column: null, message: "The file is too large: at most 10 MB." };

export function Editor({ who }) {
  const { draft, change, step, undo, undoes } = useDraft();
  const [first, setFirst] = useState(0);
  const [faults, setFaults] = useState([]);
  const [asking, setAsking] = useState(null);
  const [said, setSaid] = useState("");
  const price = useEstimate(draft);
  const on = useChanges({ draft, change, step, setFirst, setSaid });
  const close = () => setAsking(null);

  const take = (text, name) => {
    const { draft: read, faults: found } = draftOfFile(text, kindOf(name, text));
    setFaults(found);
    if (!read) return;
    const titled = { ...read, title: read.title || (name ?? "").replace(/\.[a-z]+$/i, "") };
    step("the list that was there before", () => titled);
    setFirst(0);
    close();
    setSaid(`${titled.rows.length} shots were read.`);
  };
  const takeFile = async (file) => {
    if (file.size > LARGEST_FILE) setFaults([TOO_LARGE]);
    else take(await file.text(), file.name);
  };
  const clear = () => {
    step("the cleared draft", emptyDraft);
    setFaults([]);
    close();
  };
  const drop = useDrop(takeFile, take);

  return html`<div class=${`view editor ${drop.over ? "is-target" : ""}`} ...${drop.on}>
    <header>
      <${Heading}>Draft<//>
      <${Tools}
        draft=${draft}
        undo=${undo}
        undoes=${undoes}
        onFile=${takeFile}
        onAsk=${setAsking}
      />
    </header>
    <p class="unseen" role="status" aria-live="polite">${said}</p>
    <${Head} draft=${draft} fault=${price.faults["/budget"]} change=${change} />
    <${Strategies}
      chosen=${draft.strategy}
      estimate=${price.estimate}
      stale=${price.stale}
      onChoose=${(strategy) => change((now) => ({ ...now, strategy }))}
    />
    ${
      faults.length > 0 &&
      html`<${FileFaults}
        faults=${faults}
        taken=${draft.rows.length}
        onClose=${() => setFaults([])}
      />`
    }
    ${
      draft.rows.length === 0
        ? html`<${NoShots} onAdd=${on.add} onPaste=${() => setAsking("paste")} />`
        : html`<${Shots}
            draft=${draft}
            price=${price}
            first=${first}
            on=${on}
            onPage=${setFirst}
          />`
    }
    <${Foot} draft=${draft} price=${price} step=${step} user=${who.user} />
    ${drop.over && html`<p class="drop-here" aria-hidden="true">Drop the list here</p>`}
    ${asking === "paste" && html`<${Paste} onTake=${(text) => take(text)} onClose=${close} />`}
    ${asking === "export" && html`<${Export} draft=${draft} onClose=${close} />`}
    ${
      asking === "clear" &&
      html`<${Confirm}
        title="Clear the draft?"
        text="All its shots go. Undo brings them back until you leave the page."
        action="Clear"
        onClose=${close}
        onConfirm=${clear}
      />`
    }
  </div>`;
}

function Tools({ draft, undo, undoes, onFile, onAsk }) {
  return html`<div class="actions">
    ${
      undo &&
      html`<button type="button" class="bare" onClick=${undo} title=${`Take back: ${undoes}`}>
        <${Icon} name="again" />Undo
      </button>`
    }
    <${FileButton} onFile=${onFile} />
    <button type="button" onClick=${() => onAsk("paste")}>Paste a list</button>
    <button type="button" disabled=${!draft.rows.length} onClick=${() => onAsk("export")}>
      <${Icon} name="download" />Export
    </button>
    <button
      type="button"
      class="bare"
      disabled=${!draft.rows.length && !draft.title}
      onClick=${() => onAsk("clear")}
    >
      Clear
    </button>
  </div>`;
}

/** What is said once, of the storyboard as a whole. */
function Head({ draft, fault, change }) {
  const set = (name) => (event) => change((now) => ({ ...now, [name]: event.target.value }));
  const line = (name, most) => (own) =>
    html`<input
      ...${own}
      dir="auto"
      value=${draft[name]}
      maxlength=${most}
      onInput=${set(name)}
    />`;
  return html`<section class="fields head" aria-label="The storyboard">
    <${Field} label="Title">${line("title", 500)}<//>
    <${Field} label="Project">${line("project", 128)}<//>
    <${Field} label="Budget in USD" fault=${fault}>
      ${(own) =>
        html`<input
          ...${own}
          inputmode="decimal"
          value=${draft.budget}
          placeholder="as far as the month has room"
          onInput=${set("budget")}
        />`}
    <//>
    <${Select}
      label="When a scene's provider fails"
      value=${draft.continuity}
      options=${CONTINUITY}
      onChange=${(continuity) => change((now) => ({ ...now, continuity }))}
    />
  </section>`;
}

function NoShots({ onAdd, onPaste }) {
  return html`<${Empty} title="No shots yet">
    <p>Write the first one, drop a CSV here, or paste a list: one prompt a line will do.</p>
    <div class="actions">
      <button type="button" class="primary" onClick=${onAdd}>
        <${Icon} name="create" />Add a shot
      </button>
      <button type="button" onClick=${onPaste}>Paste a list</button>
    </div>
  <//>`;
}

/** One page of the grid. */
function Shots({ draft, price, first, on, onPage }) {
  const providers = useLoad(
    async ({ signal }) => (await get("/v1/providers", { signal })).data.items,
  );
  const choices = useMemo(() => choicesOf(providers.data), [providers.data]);
  const page = Math.min(first, Math.floor((draft.rows.length - 1) / PAGE) * PAGE);
  return html`<${Grid}
      draft=${draft}
      faults=${price.cells}
      prices=${price.byRow}
      choices=${choices}
      first=${page}
      on=${on}
    />
    <div class="actions under">
      <button type="button" onClick=${on.add}><${Icon} name="create" />Add a shot</button>
      <${Pager} first=${page} count=${draft.rows.length} onGo=${onPage} />
      <span class="hint keys"
        >Enter: next row · Ctrl ↑↓: row above, below · Alt ↑↓: move the shot</span
      >
    </div>`;
}

/** What it costs, whether there is room, and the start; always in sight. */
function Foot({ draft, price, step, user }) {
  const starting = useStart(draft, step);
  const budgets = useLoad(async ({ signal }) => (await get("/v1/budgets", { signal })).data.items);
  const blank = chosen(draft)
    .filter((row) => !row.cells.prompt?.trim())
    .map((row) => row.number);
  const ready = draft.rows.length > 0 && !blank.length && !price.error?.problem?.errors;
  return html`<div class="foot">
    ${
      starting.problem
        ? html`<${Offer}
            problem=${starting.problem}
            busy=${starting.busy}
            onClose=${starting.forget}
            onTake=${() => starting.takeFit(false)}
            onTakeAndStart=${() => starting.takeFit(true)}
          />`
        : starting.error && html`<${Failure} error=${starting.error} />`
    }
    ${price.error && draft.rows.length > 0 && html`<${Problems} price=${price} />`}
    <div class="start">
      <${Room}
        budget=${budgets.data && tightest(budgets.data, draft, user)}
        needed=${price.estimate?.max}
      />
      <${Sum} price=${price} />
      ${
        may("creator")
          ? html`<button
              type="button"
              class="primary start-button"
              disabled=${starting.busy || !ready}
              onClick=${starting.start}
            >
              ${starting.busy ? "Starting…" : "Start"}
            </button>`
          : html`<p class="hint">A viewer can price a storyboard; a creator starts it.</p>`
      }
    </div>
    <p class="hint why" role="status">
      ${blank.length > 0 ? `No words yet for ${shots(blank)}.` : price.warnings.join(" · ")}
    </p>
  </div>`;
}

function Sum({ price: { estimate, stale, count } }) {
  if (!estimate) {
    return html`<p class="sum" aria-live="polite">
      <span class="sum-total figure">–</span>
      <span class="quiet">${stale ? "being priced" : "no price yet"}</span>
    </p>`;
  }
  const { total, max, rate_card: card } = estimate;
  return html`<p class="sum" aria-live="polite">
    <span class="sum-total figure">${usd(total)}</span>
    <span class="quiet">${`at most ${usd(max)} · ${count} shot${count === 1 ? "" : "s"}`}</span>
    <span class="quiet card">${`card ${card.name}, ${card.version}`}</span>
  </p>`;
}

function Pager({ first, count, onGo }) {
  if (count <= PAGE) return null;
  const last = Math.min(count, first + PAGE);
  return html`<span class="pager">
    <button type="button" class="bare" disabled=${first === 0} onClick=${() => onGo(first - PAGE)}>
      Earlier
    </button>
    <span class="figure">${first + 1}–${last} of ${count}</span>
    <button
      type="button"
      class="bare"
      disabled=${last === count}
      onClick=${() => onGo(first + PAGE)}
    >
      Later
    </button>
  </span>`;
}

// --- changes -------------------------------------------------------------------------------------

function useChanges({ draft, change, step, setFirst, setSaid }) {
  const latest = useRef(draft);
  latest.current = draft;
  const focus = useRef(null);
  useLayoutEffect(() => {
    // before the next key, or its letter would land in the row before
    if (!focus.current) return;
    const { id, cell } = focus.current;
    focus.current = null;
    document
      .querySelector(
        cell === "grip" ? `tr[data-row="${id}"] .grip` : `[data-of="${id}"][data-cell="${cell}"]`,
      )
      ?.focus();
  });
  return useMemo(() => {
    const show = (place) => setFirst(Math.floor(Math.max(0, place) / PAGE) * PAGE);
    const move = (id, place) => {
      const { rows } = latest.current;
      if (place < 0 || place >= rows.length) return;
      step("the order before", (now) => withMoved(now, id, place));
      show(place);
      setSaid(`The shot is now in place ${place + 1} of ${rows.length}.`);
    };
    const insert = (after, like = null) => {
      focus.current = { id: latest.current.next, cell: "prompt" };
      change((now) => withRow(now, after, like));
      show(after + 1);
    };
    return {
      cell: (id, column, text) => change((now) => withCell(now, id, column, text)),
      byDefault: (column, text) =>
        change((now) => ({ ...now, defaults: { ...now.defaults, [column]: text } })),
      include: (row, isOn) => change((now) => withOn(now, row.id, isOn)),
      add: () => insert(latest.current.rows.length - 1),
      duplicate: (row, place) => insert(place, row),
      below: (id) => insert(latest.current.rows.findIndex((row) => row.id === id)),
      remove: (row) => {
        const { rows } = latest.current;
        const place = rows.findIndex((one) => one.id === row.id);
        const beside = rows[place + 1] ?? rows[place - 1];
        if (beside) focus.current = { id: beside.id, cell: "prompt" };
        step(`shot ${row.number}`, (now) => withoutRow(now, row.id));
        setSaid(`Shot ${row.number} was removed. Undo brings it back.`);
      },
      move,
      shift: (id, by) => {
        const held = document.activeElement?.dataset.cell ?? "grip";
        focus.current = { id, cell: held };
        move(id, latest.current.rows.findIndex((row) => row.id === id) + by);
      },
    };
  }, []);
}

/** Files and texts that are dropped on the view, and texts that are pasted beside its fields. */
function useDrop(onFile, onText) {
  const [depth, setDepth] = useState(0);
  const latest = useRef(onText);
  latest.current = onText;
  useEffect(() => {
    const paste = (event) => {
      const typing = event.target.closest?.("input, textarea, select, dialog");
      const text = event.clipboardData.getData("text/plain");
      if (typing || !text.trim()) return;
      event.preventDefault();
      latest.current(text);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);
  return {
    over: depth > 0,
    on: {
      onDragEnter: (event) => {
        event.preventDefault();
        setDepth((now) => now + 1);
      },
      onDragLeave: () => setDepth((now) => Math.max(0, now - 1)),
      onDragOver: (event) => event.preventDefault(),
      onDrop: (event) => {
        event.preventDefault();
        setDepth(0);
        const [file] = event.dataTransfer.files;
        if (file) onFile(file);
        else if (event.dataTransfer.getData("text/plain"))
          onText(event.dataTransfer.getData("text/plain"));
      },
    },
  };
}
