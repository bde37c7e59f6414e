// One storyboard as it is made: every shot's state, what it costs, its film.

import { get, post, remove } from "../api.js";
import { Attempts } from "../components/attempts.js";
import { Confirm, Dialog } from "../components/dialog.js";
import { Icon } from "../components/icons.js";
import { Stacked } from "../components/stacked.js";
import { Failure, Loaded, Loading, State } from "../components/states.js";
import { tell, tellError } from "../components/tell.js";
import { follow, save } from "../files.js";
import { usd, when, words } from "../format.js";
import { html, useMemo, useRef, useState } from "../html.js";
import { go, to } from "../router.js";
import { may } from "../session.js";
import { useEvery, useLoad } from "../use.js";
import { writeCsv } from "./csv.js";
import { draftOfBoard } from "./draft.js";
import { Film, reelOf } from "./film.js";
import { keep } from "./keep.js";
import { shots } from "./prices.js";

const ENDED = ["succeeded", "partial", "failed", "cancelled"];
const ROLES = ["keyframe", "variation", "clip"];
const FIRST_PAUSE_S = 1;
const LONGEST_PAUSE_S = 10;
const LINK_MARGIN_MS = 60_000;
const CANCELLING =
  "Nothing new is started, and the rest of its money is free at once. " +
  "What a provider already works on is followed to its end and may be billed.";

export function Board({ id }) {
  const board = useBoard(id);
  return html`<div class="view board">
    ${!board.data && html`<header><${Heading}>…<//></header>`}
    <${Loaded} from=${board} rows=${8}
      >${(data) => html`<${Live} board=${data} onChange=${board.reload} />`}<//
    >
  </div>`;
}

/** The way back to all storyboards, and which one this is: there from the first moment on. */
export function Heading({ children }) {
  return html`<h1>
    <a href=${to("storyboard")}>Storyboards</a>${" "}<span class="quiet">/</span>${" "}<bdi
      >${children}</bdi
    >
  </h1>`;
}

/** The storyboard, read again with growing pauses while it runs, and at once when it has moved. */
function useBoard(id) {
  const links = useRef(new Map());
  const read = async (options) => {
    const { data } = await get(`/v1/storyboards/${encodeURIComponent(id)}`, options);
    return steadied(data, links.current);
  };
  const board = useLoad(read, [id]);
  const [pause, setPause] = useState(FIRST_PAUSE_S);
  const runs = board.data !== undefined && !ENDED.includes(board.data.state);
  useEvery(
    pause,
    async () => {
      const fresh = await read();
      const moved = linkless(fresh) !== linkless(board.data);
      if (moved) board.replace(fresh);
      setPause((now) => (moved ? FIRST_PAUSE_S : Math.min(LONGEST_PAUSE_S, now * 1.4)));
    },
    runs,
  );
  return {
    ...board,
    reload: () => {
      setPause(FIRST_PAUSE_S);
      board.reload();
    },
  };
}

/** Links are made anew for every answer; the first of each take is kept while it is good, so that
    no picture is fetched twice. */
function steadied(board, links) {
  const steady = (part) => {
    if (!part?.url) return part;
    const known = links.get(part.take_id);
    if (known && Date.parse(known.url_expires_at) - Date.now() > LINK_MARGIN_MS)
      return { ...part, ...known };
    links.set(part.take_id, { url: part.url, url_expires_at: part.url_expires_at });
    return part;
  };
  const shotsNow = board.shots.map((shot) => ({
    ...shot,
    ...Object.fromEntries(ROLES.map((role) => [role, steady(shot[role])])),
  }));
  return { ...board, shots: shotsNow };
}

/** The storyboard as text, without the links, which are others in every answer. */
const linkless = (board, indent = 0) =>
  JSON.stringify(board, (name, value) => (name.startsWith("url") ? undefined : value), indent);

function Live({ board, onChange }) {
  const [shown, setShown] = useState(null);
  const [asking, setAsking] = useState(null);
  const act = useAct(board, onChange);
  const reel = useMemo(() => reelOf(board), [board]);
  const runs = !ENDED.includes(board.state);
  const waiting = board.groups.filter((group) => group.waits_for_approval);
  const waits = new Set(waiting.flatMap((group) => group.shots));
  const again = board.shots.filter(
    (shot) => ["failed", "skipped"].includes(shot.state) && !waits.has(shot.number),
  ).length;
  const open = board.shots.find((shot) => shot.number === shown);
  return html`<header>
      <${Heading}>${board.title || "Untitled"}<//>
      <${State} is=${board.state} />
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled=${!reel.some((one) => one.url)}
          onClick=${() => setAsking("film")}
        >
          <${Icon} name="play" />Play the film
        </button>
        <button type="button" onClick=${() => setAsking("export")}>
          <${Icon} name="download" />Export
        </button>
        ${
          may("creator") &&
          html`<button type="button" onClick=${() => act.redraft()}>
            <${Icon} name="again" />New draft of this
          </button>`
        }
        ${
          may("creator") &&
          runs &&
          html`<button
            type="button"
            class="danger"
            disabled=${act.busy || Boolean(board.cancel_requested_at)}
            onClick=${() => setAsking("cancel")}
          >
            ${board.cancel_requested_at ? "Being cancelled" : "Cancel"}
          </button>`
        }
      </div>
    </header>
    <${Standing} board=${board} />
    ${act.error && html`<${Failure} error=${act.error} />`}
    ${
      waiting.length > 0 &&
      html`<${Approval} groups=${waiting} busy=${act.busy} onApprove=${() => act.resume(true)} />`
    }
    ${
      !runs &&
      again > 0 &&
      board.state !== "cancelled" &&
      may("creator") &&
      html`<section class="panel again">
        <p>
          ${again === 1 ? "One shot is" : `${again} shots are`}${" "}not there. Making what is
          missing is priced and held anew; what is there stays.
        </p>
        <div class="actions">
          <button
            type="button"
            class="primary"
            disabled=${act.busy}
            onClick=${() => act.resume(false)}
          >
            <${Icon} name="again" />Make what is missing
          </button>
        </div>
      </section>`
    }
    ${
      board.warnings.length > 0 &&
      html`<ul class="hint board-warnings">
        ${board.warnings.map((one) => html`<li key=${one}>${one}</li>`)}
      </ul>`
    }
    <ol class="sheet">
      ${board.shots.map(
        (shot) =>
          html`<${Frame} key=${shot.number} shot=${shot} onOpen=${() => setShown(shot.number)} />`,
      )}
    </ol>
    <${Groups} groups=${board.groups} />
    ${
      open &&
      html`<${Shot} shot=${open} board=${board} onClose=${() => setShown(null)} onGo=${setShown} />`
    }
    ${
      asking === "film" &&
      html`<${Film}
        reel=${reel}
        title=${board.title || "Untitled"}
        onClose=${() => setAsking(null)}
      />`
    }
    ${asking === "export" && html`<${Export} board=${board} onClose=${() => setAsking(null)} />`}
    ${
      asking === "cancel" &&
      html`<${Confirm}
        title="Cancel the storyboard?"
        action="Cancel it"
        text=${CANCELLING}
        onClose=${() => setAsking(null)}
        onConfirm=${() => {
          setAsking(null);
          act.cancel();
        }}
      />`
    }`;
}

function useAct(board, onChange) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const address = `/v1/storyboards/${encodeURIComponent(board.id)}`;
  const attempt = async (work, told) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      tell(told);
      onChange();
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return {
    busy,
    error,
    cancel: () => attempt(() => remove(address), "Nothing new will be started."),
    resume: (approve) => attempt(() => post(`${address}/resume`, { approve }), "It goes on."),
    redraft: () => {
      keep(draftOfBoard(board));
      go("storyboard", ["draft"]);
    },
  };
}

function Standing({ board }) {
  const { total, done, failed, skipped, cancelled } = board.progress;
  const running = total - done - failed - skipped - cancelled;
  const parts = [
    ["done", done],
    ["failed", failed],
    ["skipped", skipped + cancelled],
  ];
  const told = [
    `${done} of ${total} done`,
    running && `${running} to go`,
    failed && `${failed} failed`,
    skipped && `${skipped} left out`,
    cancelled && `${cancelled} cancelled`,
  ]
    .filter(Boolean)
    .join(", ");
  return html`<section class="standing" aria-label="How it stands">
    <${Stacked} parts=${parts} whole=${total} label=${told} />
    <p class="told" role="status">${told}</p>
    <dl class="sums">
      <div>
        <dt>Spent</dt>
        <dd class="figure">${usd(board.actual_cost)}</dd>
      </div>
      <div>
        <dt>Held</dt>
        <dd class="figure">${usd(board.held)}</dd>
      </div>
      <div>
        <dt>Expected</dt>
        <dd class="figure">${usd(board.estimated_cost)}</dd>
      </div>
      <div>
        <dt>At most</dt>
        <dd class="figure">${usd(board.estimate.max)}</dd>
      </div>
      <div>
        <dt>Strategy</dt>
        <dd>${board.strategy}</dd>
      </div>
      <div>
        <dt>Started</dt>
        <dd>${when(board.created_at)}</dd>
      </div>
      ${
        board.project &&
        html`<div>
          <dt>Project</dt>
          <dd><bdi>${board.project}</bdi></dd>
        </div>`
      }
    </dl>
  </section>`;
}

// --- shots ---------------------------------------------------------------------------------------

function Frame({ shot, onOpen }) {
  const parts = ROLES.map((role) => shot[role]).filter(Boolean);
  const error = parts.find((part) => part.error)?.error;
  const cost = parts.map((part) => part.cost).filter(Boolean);
  return html`<li class="frame-card" data-state=${shot.state}>
    <button
      type="button"
      class="bare-frame"
      onClick=${onOpen}
      aria-label=${`Shot ${shot.number}, ${words(shot.state)}: details`}
    >
      <${Picture} shot=${shot} />
    </button>
    <div class="frame-told">
      <p class="frame-head">
        <b>${shot.number}</b>${" "}<${State} is=${shot.state} /><span class="figure"
          >${
            cost.length ? html`${cost.map((one, i) => html`${i > 0 && " + "}${usd(one)}`)}` : ""
          }</span
        >
      </p>
      <p class="frame-prompt"><bdi>${shot.prompt}</bdi></p>
      <p class="hint frame-makers">
        ${error ? html`<span class="fault">${error.message}</span>` : makers(shot)}
      </p>
    </div>
  </li>`;
}

const makers = (shot) =>
  ROLES.filter((role) => shot[role])
    .map((role) => `${role} ${shot[role].provider ?? words(shot[role].state)}`)
    .join(" · ");

function Picture({ shot }) {
  const still = shot.keyframe?.url ?? shot.variation?.url;
  const kind = shot.clip?.url ? "clip" : "";
  return html`<span class="picture" data-kind=${kind}>
    ${
      still
        ? html`<img src=${still} alt="" loading="lazy" decoding="async" />`
        : shot.clip?.url
          ? html`<video
              src=${shot.clip.url}
              preload="metadata"
              muted
              playsinline
              tabindex="-1"
            ></video>`
          : html`<span class="no-picture"><${Icon} name="film" /></span>`
    }
    ${kind && html`<span class="badge"><${Icon} name="play" /></span>`}
  </span>`;
}

function Shot({ shot, board, onClose, onGo }) {
  const parts = ROLES.filter((role) => shot[role]);
  const [role, setRole] = useState(parts.findLast((one) => shot[one].url) ?? parts[0]);
  const place = board.shots.indexOf(shot);
  const part = shot[role] ?? shot[parts[0]];
  const beside = (step) => board.shots[place + step]?.number;
  return html`<${Dialog} title=${`Shot ${shot.number}`} onClose=${onClose}>
    <div class="shot-detail">
      <div class="screen">
        ${
          part?.url
            ? role === "clip"
              ? html`<video
                  key=${part.take_id}
                  src=${part.url}
                  controls
                  loop
                  playsinline
                  aria-label=${`Clip of shot ${shot.number}`}
                ></video>`
              : html`<img
                  key=${part.take_id}
                  src=${part.url}
                  alt=${`The ${role} of shot ${shot.number}`}
                />`
            : html`<span class="no-picture"><${Icon} name="film" />${words(part?.state)}</span>`
        }
      </div>
      ${
        parts.length > 1 &&
        html`<div class="choice-row" role="group" aria-label="Part">
          ${parts.map(
            (one) =>
              html`<button
                type="button"
                key=${one}
                class="bare"
                aria-pressed=${one === role}
                onClick=${() => setRole(one)}
              >
                ${one}
              </button>`,
          )}
        </div>`
      }
      <p class="shot-words"><bdi>${shot.prompt}</bdi></p>
      ${shot.scene && html`<p class="quiet">Scene <bdi>${shot.scene}</bdi></p>`}
      <${PartDetail} key=${`${role} ${part?.generation_id}`} role=${role} part=${part} />
      <div class="actions">
        <button type="button" disabled=${!beside(-1)} onClick=${() => onGo(beside(-1))}>
          Shot before
        </button>
        <button type="button" disabled=${!beside(1)} onClick=${() => onGo(beside(1))}>
          Shot after
        </button>
        ${
          part?.url &&
          html`<button type="button" onClick=${() => follow(part.url)}>
            <${Icon} name="download" />Download
          </button>`
        }
        ${
          part?.generation_id &&
          html`<a class="button" href=${to("library", [part.generation_id])}>In the library</a>`
        }
      </div>
    </div>
  <//>`;
}

/** A part with every attempt and its reason, read from the part's own generation. */
function PartDetail({ role, part }) {
  const id = part?.generation_id;
  const made = useLoad(
    async ({ signal }) =>
      id ? (await get(`/v1/generations/${encodeURIComponent(id)}`, { signal })).data : null,
    [id, part?.state],
  );
  return html`<dl class="sums">
      <div>
        <dt>${role}</dt>
        <dd><${State} is=${part.state} /></dd>
      </div>
      <div>
        <dt>Made by</dt>
        <dd>${part.provider ?? "–"}</dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd class="figure">${usd(part.cost)}</dd>
      </div>
      <div>
        <dt>At most</dt>
        <dd class="figure">${usd(part.max)}</dd>
      </div>
    </dl>
    ${
      part.in_doubt &&
      html`<p class="fault">
        A provider may still send its bill; the money stays held until that is known.
      </p>`
    }
    ${part.error && html`<p class="fault">${part.error.message}</p>`}
    ${
      id &&
      (made.data === undefined
        ? html`<${Loading} rows=${1} label="Loading the attempts" />`
        : made.data && html`<${Attempts} attempts=${made.data.attempts} />`)
    }`;
}

// --- scenes --------------------------------------------------------------------------------------

function Approval({ groups, busy, onApprove }) {
  return html`<section class="fit-offer" aria-label="Waits for your approval">
    <h2>Waits for your approval</h2>
    <ul>
      ${groups.map(
        ({ waits_for_approval: stop, shots: numbers }) =>
          html`<li key=${numbers.join()}>
            ${shots(numbers)} belong together, and the ${stop.part} of shot ${stop.shot} could not
            come from ${stop.provider}: ${words(stop.why)}. Another provider would change the look.
          </li>`,
      )}
    </ul>
    ${
      may("creator") &&
      html`<div class="actions">
        <button type="button" class="primary" disabled=${busy} onClick=${onApprove}>
          Go on with another provider
        </button>
      </div>`
    }
  </section>`;
}

const makersOf = ({ providers }) =>
  Object.entries(providers)
    .map(([role, name]) => `${role} by ${name}`)
    .join(", ") || "nobody yet";

const switched = (one) =>
  `From shot ${one.shot} on the ${one.part} comes from ${one.to} instead of ${one.from} ` +
  `(${words(one.why)}): ${usd(one.cost_before)} became ${usd(one.cost_after)}, ${when(one.at)}.`;

function Groups({ groups }) {
  const told = groups.filter((group) => group.shots.length > 1 || group.switches.length);
  if (!told.length) return null;
  return html`<section class="panel" aria-label="Shots that belong together">
    <header><h2>Shots that belong together</h2></header>
    <ul class="groups">
      ${told.map(
        (group) =>
          html`<li key=${group.shots.join()}>
            ${`${shots(group.shots)}: ${makersOf(group)}`}
            ${group.switches.map(
              (one) => html`<p class="hint" key=${`${one.shot} ${one.part}`}>${switched(one)}</p>`,
            )}
          </li>`,
      )}
    </ul>
  </section>`;
}

// --- files ---------------------------------------------------------------------------------------

const TAKE_COLUMNS = [
  "shot",
  "part",
  "state",
  "provider",
  "cost",
  "in_doubt",
  "error",
  "take_id",
  "generation_id",
  "prompt",
];

/** Every part of a storyboard as a row of texts. */
function takesCsv(board) {
  const rows = board.shots.flatMap((shot) =>
    ROLES.filter((role) => shot[role]).map((role) => {
      const part = shot[role];
      return [
        shot.number,
        role,
        part.state,
        part.provider,
        part.cost,
        part.in_doubt ? "TRUE" : "FALSE",
        part.error?.code,
        part.take_id,
        part.generation_id,
        shot.prompt,
      ];
    }),
  );
  return writeCsv(TAKE_COLUMNS, rows);
}

function Export({ board, onClose }) {
  const takes = board.shots.flatMap((shot) =>
    ROLES.map((role) => shot[role]).filter((part) => part?.url),
  );
  const out = (name, text, type) => {
    save(name, text, type);
    onClose();
  };
  const all = async () => {
    onClose();
    for (const part of takes) {
      follow(part.url);
      await new Promise((done) => setTimeout(done, 400)); // browsers drop downloads that come at once
    }
  };
  return html`<${Dialog} title="Export" onClose=${onClose}>
    <p>
      The list of takes says what every part cost, who made it and its take's id. Links are not in
      it: they end after minutes.
    </p>
    <div class="actions">
      <button
        type="button"
        class="primary"
        onClick=${() => out(`${board.id}-takes.csv`, takesCsv(board), "text/csv")}
      >
        List of takes, CSV
      </button>
      <button
        type="button"
        onClick=${() => out(`${board.id}.json`, `${linkless(board, 2)}\n`, "application/json")}
      >
        Everything, JSON
      </button>
      <button type="button" disabled=${!takes.length} onClick=${() => all().catch(tellError)}>
        All ${takes.length} files
      </button>
    </div>
  <//>`;
}
