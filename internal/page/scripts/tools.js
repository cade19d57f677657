
// make makes an element. Texts become text nodes, never HTML. false and null are left out.
function make(tag, attributes, ...children) {
  const svg = ["svg", "g", "path", "rect", "text", "title", "desc"].includes(tag);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== false && value !== null) e.setAttribute(name, value);
  e.append(...children.flat(Infinity).filter((c) => c !== false && c !== null && c !== undefined));
  return e;
}

function count(n, one, many) {
  return n.toLocaleString("en") + " " + (n === 1 ? one : many || one + "s");
}

// linkTo links to a view of this page.
function linkTo(view, value, text) {
  return make("a", { href: "#" + view + "=" + encodeURIComponent(value), class: "mono" }, text === undefined ? value : text);
}

// domainLink links to a domain, with its letters beside the name.
function domainLink(inventory, d) {
  const { n, u } = inventory.domains[d];
  if (!inventory.about(d)) return make("span", { class: "mono" }, n);
  return u ? [linkTo("domain", n), " ", make("span", { class: "soft" }, u)] : linkTo("domain", n);
}

// addressLink links to the answer for an address.
function addressLink(addr) {
  return linkTo("find", addr);
}

// endLink shows a recipient: an account, a mailbox with its user, or an address.
function endLink(inventory, recipient) {
  const name = recipient.split("+", 1)[0];
  if (inventory.userByName.has(name)) return linkTo("user", name, recipient);
  const owner = recipient[0] === "/" && inventory.users.find((u) => u.m === recipient);
  if (owner) return [linkTo("user", owner.n), make("span", { class: "soft" }, " in " + recipient)];
  return make("span", { class: "mono" }, recipient);
}

// noteOf shows what a person wrote about something.
function noteOf(text) {
  return text ? make("p", { class: "soft" }, "Note: " + text) : "";
}

// separated puts a text between nodes.
function separated(nodes, between) {
  return nodes.flatMap((n, i) => (i > 0 ? [between, n] : [n]));
}

// table makes a table of rows, which are lists of cells. It shows the first ones, and a
// button shows more. heads are the names of the columns; a number has a + before it.
function table(caption, heads, rows, cellsOf) {
  const body = make("tbody");
  const head = heads.map((h) => make("th", { scope: "col", class: h[0] === "+" ? "number" : null }, h.replace(/^\+/, "")));
  const all = make("div", {}, make("table", { class: "rows" }, make("caption", {}, caption), make("thead", {}, make("tr", {}, head)), body));
  let shown = 0;
  const more = make("button", { type: "button" });
  const show = (n) => {
    const from = shown;
    for (; shown < Math.min(rows.length, from + n); shown++) {
      const cells = cellsOf(rows[shown]).map((cell, i) =>
        i === 0
          ? make("th", { scope: "row" }, cell)
          : make("td", { "data-head": heads[i].replace(/^\+/, ""), class: heads[i][0] === "+" ? "number" : null }, cell),
      );
      body.append(make("tr", {}, cells));
    }
    more.textContent = "Show more (" + count(rows.length - shown, "row") + " left)";
    if (shown >= rows.length) more.remove();
  };
  show(200);
  if (shown < rows.length) {
    more.addEventListener("click", () => show(1000));
    all.append(more);
  }
  return all;
}

// refusedText shows a reply that refuses mail, for good or for now. word is said instead.
function refusedText(reply, word) {
  return [make("span", { class: "bad" }, word || (reply.code < 500 ? "Deferred" : "Refused")), ": " + reply.code + " " + reply.status + " " + reply.text];
}

// sample returns a local part that a key matches.
function sample(key) {
  if (key === "") return "nobody-has-this-name";
  const user = key.replace(/\+[+*]$/, "");
  return user === key ? key : (user || "anybody") + "+any";
}

// endsOf returns where mail for a row of a domain ends: the recipients or the refusal,
// and all users on the way.
function endsOf(inventory, d, row) {
  const simple = row.detail !== "k" && !/^[%@~!]/.test(row.to);
  const known = simple && endsOf.known.get(row.to);
  if (known) return known;
  const steps = [];
  const end = inventory.at(sample(row.key), inventory.domains[d].n, steps, 0);
  const ends = { ...end, users: [...usersOf(steps, new Set())] };
  if (simple) endsOf.known.set(row.to, ends);
  return ends;
}
endsOf.known = new Map();

function usersOf(steps, users) {
  for (const step of steps) {
    if (step.kind === "user") users.add(step.user.n);
    if (step.kind === "account") users.add(step.name.split("+", 1)[0]);
    if (step.then) usersOf(step.then, users);
  }
  return users;
}

// eachRow calls back for every row of every domain with a table that the page is about.
function eachRow(inventory, call) {
  for (let d = 0; d < inventory.domains.length; d++) {
    if (!inventory.domains[d].r && inventory.about(d)) for (const row of inventory.table(d)) call(d, row);
  }
}

// keyText returns the address of a row, as a person says it.
function keyText(inventory, d, row) {
  return row.key === "" ? "anything else at " + inventory.domains[d].n : row.key + "@" + inventory.domains[d].n;
}
