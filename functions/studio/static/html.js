// What every module of the page builds with: Preact's elements as tagged templates, and its hooks.
// A value in a template becomes a text node or an attribute, never markup.

import { h, render, Fragment } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
export { render, Fragment };
export {
  useCallback, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "./vendor/hooks.js";
