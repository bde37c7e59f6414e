// Hooks: loading, watching, waiting for the typist.

import { useCallback, useEffect, useRef, useState } from "./html.js";

/**
 * What `load({signal})` gives: {data, error, loading, reload}. Asked anew when `keys` change; an
 * answer to an older question is dropped, and older data stays until newer comes.
 */
export function useLoad(load, keys = []) {
  const [state, setState] = useState({ data: undefined, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const asked = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    const answer = (async () => latest.current({ signal: asked.signal }))();
    answer.then(
      (data) => asked.signal.aborted || setState({ data, error: null, loading: false }),
      (error) => asked.signal.aborted || setState((b) => ({ ...b, error, loading: false })),
    );
    return () => asked.abort();
  }, [...keys, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const replace = useCallback((data) => setState({ data, error: null, loading: false }), []);
  return { ...state, reload, replace };
}

/** Call `look` every `seconds` while `active` and the tab is seen; at once when it is seen again. */
export function useEvery(seconds, look, active = true) {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    if (!active) return undefined;
    let timer = null;
    let stopped = false;
    const round = async () => {
      clearTimeout(timer);
      if (!document.hidden) await Promise.resolve(latest.current()).catch(() => {});
      if (!stopped) timer = setTimeout(round, seconds * 1000);
    };
    const seen = () => document.hidden || round();
    timer = setTimeout(round, seconds * 1000);
    document.addEventListener("visibilitychange", seen);
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [seconds, active]);
}

/** `value`, once it has rested for `pauseMs`. Compare by `key`, the value as text by default. */
export function useRested(value, pauseMs = 250, key = JSON.stringify(value)) {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(() => value), pauseMs);
    return () => clearTimeout(timer);
  }, [key, pauseMs]);
  return rested;
}

/** Name the tab after the view. */
export function useTitle(title) {
  useEffect(() => {
    document.title = `${title} · Filmgate`;
  }, [title]);
}

/** A view's own style sheet, by its name below the page's files; true once it holds. */
export function useSheet(name) {
  const [holds, setHolds] = useState(() => sheets.get(name) === true);
  useEffect(() => {
    if (!sheets.has(name)) sheets.set(name, added(name));
    Promise.resolve(sheets.get(name)).then(() => setHolds(true));
  }, [name]);
  return holds;
}

const sheets = new Map();

function added(name) {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(name, import.meta.url).href;
    const holds = () => resolve(sheets.set(name, true));
    link.addEventListener("load", holds);
    link.addEventListener("error", holds); // better plain than not at all
    document.head.append(link);
  });
}
