// Every view of the page, in the order of the menu. A view's module is fetched when it is opened.
//
// {id, title, icon, role, load}: `id` is the first part of the address, `role` the least role that
// gets anything from it, `load` gives a module whose default export is the view's component.

export const VIEWS = [
  { id: "create", title: "Create", icon: "create", role: "viewer", load: () => import("./create.js") },
  { id: "storyboard", title: "Storyboard", icon: "storyboard", role: "viewer", load: () => import("./storyboard.js") },
  { id: "library", title: "Library", icon: "library", role: "viewer", load: () => import("./library.js") },
  { id: "providers", title: "Providers", icon: "providers", role: "viewer", load: () => import("./providers.js") },
];
