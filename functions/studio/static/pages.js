// Lists that come in pages: the first at once, the next when asked for.

import { useCallback, useEffect, useRef, useState } from "./html.js";

/**
 * `{data, error, loading, more, loadMore, reload}` of a list that `load(query, {signal})` fetches.
 * A page of a filtered list may be empty and yet not the last, so it reads on until something came
 * or the list ended. Asked anew when `keys` change; the older rows stay until the newer come.
 */
export function usePages(load, keys = []) {
  const [state, setState] = useState({ data: undefined, error: null, loading: true, next: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  const asked = useRef(null);
  latest.current = load;
  const read = useCallback(async (before, cursor) => {
    asked.current?.abort();
    const own = new AbortController();
    asked.current = own;
    setState((now) => ({ ...now, loading: true, error: null }));
    try {
      const { items, next } = await filled(latest.current, cursor, own.signal);
      setState({ data: [...before, ...items], error: null, loading: false, next });
    } catch (error) {
      if (!own.signal.aborted) setState((now) => ({ ...now, error, loading: false }));
    }
  }, []);
  useEffect(() => {
    read([], null);
    return () => asked.current?.abort();
  }, [...keys, turn]);
  return {
    ...state,
    more: state.next !== null,
    loadMore: () => read(state.data ?? [], state.next),
    reload: () => setTurn((now) => now + 1),
  };
}

const MOST_READS = 20;

async function filled(load, cursor, signal) {
  let items = [];
  let next = cursor;
  for (let read = 0; read < MOST_READS; read += 1) {
    const { data } = await load(next === null ? {} : { cursor: next }, { signal });
    items = items.concat(data.items);
    next = data.next;
    if (items.length || next === null) break;
  }
  return { items, next };
}
