// The film: every shot in its order, clips as they are, stills for their time.

import { Icon } from "../components/icons.js";
import { html, useEffect, useId, useRef, useState } from "../html.js";

const STILL_S = 3;
const TICK_MS = 100;

/** What is shown of every shot: its clip, else its still, else nothing yet. */
export function reelOf(board) {
  return board.shots.map((shot) => {
    const still = shot.variation?.url ? shot.variation : shot.keyframe;
    const part = shot.clip?.url ? shot.clip : still;
    return {
      number: shot.number,
      prompt: shot.prompt,
      kind: shot.clip?.url ? "clip" : still?.url ? "still" : "nothing",
      url: part?.url ?? null,
      take: part?.take_id ?? `nothing-${shot.number}`,
      provider: part?.provider ?? null,
      state: shot.state,
    };
  });
}

export function Film({ reel, title, onClose }) {
  const box = useRef(null);
  const id = useId();
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      reel.findIndex((one) => one.url),
    ),
  );
  const [plays, setPlays] = useState(true);
  const [passed, setPassed] = useState(0);
  const now = reel[at];
  const following = reel.findIndex((one, i) => i > at && one.url);
  const next = following < 0 ? null : reel[following];
  const go = (place) => {
    if (place < 0 || place >= reel.length) return;
    setPassed(0);
    setAt(place);
  };
  const on = () => (following < 0 ? setPlays(false) : go(following));

  useEffect(() => {
    const opener = document.activeElement;
    box.current.showModal();
    return () => opener?.isConnected && opener.focus();
  }, []);
  useEffect(() => {
    if (!plays || now.kind === "clip") return undefined;
    const timer = setInterval(() => setPassed((before) => before + TICK_MS / 1000), TICK_MS);
    return () => clearInterval(timer);
  }, [plays, at, now.kind]);
  useEffect(() => {
    if (now.kind !== "clip" && passed >= STILL_S) on();
  }, [passed]);
  useEffect(() => {
    const video = box.current.querySelector("video.now");
    if (!video) return;
    if (plays) video.play().catch(() => setPlays(false));
    else video.pause();
  }, [plays, at, now.take]);

  const toggle = () => {
    if (
      !plays &&
      following < 0 &&
      (now.kind !== "clip" || box.current.querySelector("video.now")?.ended)
    ) {
      go(
        Math.max(
          0,
          reel.findIndex((one) => one.url),
        ),
      );
    }
    setPlays(!plays);
  };
  const keys = (event) => {
    const acts = { " ": toggle, ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1) };
    if (!acts[event.key] || (event.key === " " && event.target.closest("button"))) return;
    event.preventDefault();
    acts[event.key]();
  };

  return html`<dialog
    class="film"
    ref=${box}
    aria-labelledby=${id}
    onKeyDown=${keys}
    onCancel=${(event) => {
      event.preventDefault();
      onClose();
    }}
  >
    <header>
      <h2 id=${id}><bdi>${title}</bdi></h2>
      <button type="button" class="bare" aria-label="Close" onClick=${onClose}>
        <${Icon} name="close" />
      </button>
    </header>
    <div class="screen">
      ${[now, next]
        .filter(Boolean)
        .map(
          (one) =>
            html`<${Reel}
              key=${one.take}
              of=${one}
              isNow=${one === now}
              onEnd=${on}
              onTime=${(event) => setPassed(event.target.currentTime)}
            />`,
        )}
    </div>
    <div class="strip" role="group" aria-label="Shots">
      ${reel.map(
        (one, i) =>
          html`<button
            type="button"
            key=${one.number}
            data-kind=${one.kind}
            aria-current=${i === at ? "true" : null}
            aria-label=${`Shot ${one.number}${one.url ? "" : ", not there"}`}
            onClick=${() => go(i)}
          >
            ${one.number}
          </button>`,
      )}
    </div>
    <div class="film-foot">
      <div class="actions">
        <button type="button" disabled=${at === 0} onClick=${() => go(at - 1)}>Before</button>
        <button type="button" class="primary" onClick=${toggle} autofocus>
          ${plays ? "Pause" : "Play"}
        </button>
        <button type="button" disabled=${at === reel.length - 1} onClick=${() => go(at + 1)}>
          After
        </button>
      </div>
      <p class="caption">
        <b>Shot ${now.number}</b>${" "}<span class="quiet"
          >${now.provider ?? ""} ${now.kind === "still" ? "still" : ""}${" "}<span class="figure"
            >${passed.toFixed(1)} s</span
          ></span
        ><br /><bdi class="caption-prompt">${now.prompt}</bdi>
      </p>
    </div>
  </dialog>`;
}

/** One shot; the next one is there already, unseen, so that nothing waits between them. */
function Reel({ of, isNow, onEnd, onTime }) {
  if (of.kind === "clip") {
    return html`<video
      class=${isNow ? "now" : "next"}
      src=${of.url}
      preload="auto"
      playsinline
      aria-label=${`Clip of shot ${of.number}`}
      aria-hidden=${isNow ? null : "true"}
      onEnded=${isNow ? onEnd : null}
      onTimeUpdate=${isNow ? onTime : null}
    ></video>`;
  }
  if (of.kind === "still") {
    return html`<img
      class=${isNow ? "now" : "next"}
      src=${of.url}
      alt=${isNow ? `Still of shot ${of.number}` : ""}
    />`;
  }
  return html`<p class="now no-picture">
    <${Icon} name="film" />Shot ${of.number}${" "}is not there: ${of.state}
  </p>`;
}
