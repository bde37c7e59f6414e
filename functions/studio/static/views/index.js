// Every view of the page, in the order of the menu. A view's module is fetched when it is opened.
//
// {id, title, icon, role, load}: `id` is the first part of the address, `role` the least role that
// gets anything from it, `load` gives a module whose default export is the view's component.

export const VIEWS = [
  { id: "create", title: "Create", icon: "create", role: "viewer", load: () => import("./create.js") },
  { id: "storyboard", title: "Storyboard", icon: "storyboard", role: "viewer", load: () => import("./storyboard.js") },
  { id: "library", title: "Library", icon: "library", role: "viewer", load: () => import("./library.js") },
  { id: "usage", title: "Usage", icon: "usage", role: "viewer", load: () => import("./usage.js") },
  { id: "providers", title: "Providers", icon: "providers", role: "viewer", load: () => import("./providers.js") },
  { id: "budgets", title: "Budgets", icon: "budgets", role: "viewer", load: () => import("./budgets.js") },
  { id: "tokens", title: "Tokens", icon: "tokens", role: "admin", load: () => import("./tokens.js") },
  { id: "audit", title: "Audit", icon: "audit", role: "admin", load: () => import("./audit.js") },
];
