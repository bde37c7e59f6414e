// The draft in the tab's storage, so that a reload loses nothing; it ends with the tab.

import { useCallback, useEffect, useRef, useState } from "../html.js";
import { emptyDraft } from "./draft.js";

const PLACE = "filmgate-draft";
const REST_MS = 200;

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(PLACE));
    return found?.rows ? { ...emptyDraft(), ...found } : emptyDraft();
  } catch {
    return emptyDraft();
  }
}

/** Put a draft where the editor finds it. */
export function keep(draft) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(draft));
  } catch {
    // A full storage costs the draft's life beyond a reload, nothing else.
  }
}

/**
 * `{draft, change, step, undo}`: `change` for what is typed, `step` for what can be taken back with
 * `undo` (null when there is nothing), each with a function from draft to draft.
 */
export function useDraft() {
  const [draft, setDraft] = useState(kept);
  const [before, setBefore] = useState([]);
  const latest = useRef(draft);
  latest.current = draft;
  useEffect(() => {
    const timer = setTimeout(() => keep(draft), REST_MS);
    return () => clearTimeout(timer);
  }, [draft]);
  useEffect(() => {
    const leave = () => keep(latest.current);
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  const step = useCallback((told, next) => {
    setBefore((all) => [...all.slice(-19), { told, draft: latest.current }]);
    setDraft(next);
  }, []);
  const undo = before.length
    ? () => {
        setDraft(before.at(-1).draft);
        setBefore((all) => all.slice(0, -1));
      }
    : null;
  return { draft, change: setDraft, step, undo, undoes: before.at(-1)?.told };
}
