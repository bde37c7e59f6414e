// A value that several parts of the page look at; whoever looks is drawn again when it changes.

import { useEffect, useState } from "./html.js";

export function store(initial) {
  let value = initial;
  const lookers = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const look of [...lookers]) look(value);
    },
    watch(look) {
      lookers.add(look);
      return () => lookers.delete(look);
    },
  };
}

/** The value of a store, in a component. */
export function useStore(one) {
  const [value, setValue] = useState(one.get);
  useEffect(() => {
    setValue(() => one.get()); // it may have changed between drawing and watching
    return one.watch((next) => setValue(() => next));
  }, [one]);
  return value;
}
