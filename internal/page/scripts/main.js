
const mostHits = 10000, mostShown = 100;

// unpack returns the data of the page as a text.
async function unpack(packed) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(packed) : Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// hits returns addresses whose key, target or note has a text, up to mostShown of them, and
// their number up to mostHits.
function hits(inventory, asked) {
  const q = asked.toLowerCase();
  const at = q.lastIndexOf("@");
  const found = { shown: [], n: 0 };
  const add = (d, line) => {
    if (found.n++ < mostShown) found.shown.push({ d, row: { ...Inventory.readRow(line, inventory.domains[d]), of: d } });
  };
  const { lower, text, starts } = inventory;
  let d = 0;
  for (let i = q === "" ? -1 : lower.indexOf(q); i >= 0 && found.n < mostHits; ) {
    const from = lower.lastIndexOf("\n", i) + 1, end = lower.indexOf("\n", i);
    const line = text.slice(from, end);
    while (d + 1 < starts.length && starts[d + 1] <= i) d++;
    if (line[0] !== "@" && i - from < line.lastIndexOf("\t") && line.split("\t", 2)[1] !== "-" && inventory.about(d)) add(d, line);
    i = lower.indexOf(q, end);
  }
  if (at < 0) return found;
  for (d = 0; d < starts.length && found.n < mostHits; d++) {
    if (!inventory.domains[d].n.startsWith(q.slice(at + 1)) || !inventory.about(d)) continue;
    for (const row of inventory.block(d).values()) {
      if (row.key.endsWith(q.slice(0, at)) && row.to !== "-" && found.n++ < mostShown) found.shown.push({ d, row: { ...row, of: d } });
    }
  }
  return found;
}

function viewFind(inventory, asked) {
  const q = asked.trim();
  if (q === "") return viewDomains(inventory);
  const nodes = [heading("Search")];
  const isAddress = /^[^@\s]+@[^@\s]+$/.test(q);
  const card = isAddress && answerCard(inventory, q);
  if (card) nodes.push(card);
  const found = hits(inventory, q);
  const domains = inventory.domains.map((_, d) => d).filter((d) => inventory.about(d) && [inventory.domains[d].n, inventory.domains[d].u || ""].some((n) => n.includes(q.toLowerCase())));
  const users = inventory.users.filter((u) => u.n.includes(q.toLowerCase()));
  const links = (title, all, link) => all.length > 0 && make("p", {}, title + ": ", separated(all.slice(0, 20).map(link), ", "), all.length > 20 && " and " + (all.length - 20).toLocaleString("en") + " more");
  nodes.push(links("Domains", domains, (d) => domainLink(inventory, d)) || "", links("Users", users, (u) => linkTo("user", u.n)) || "");
  const many = found.n >= mostHits ? "more than " + mostHits.toLocaleString("en") + " addresses" : count(found.n, "address", "addresses");
  const said = found.n > mostShown ? many + ", the first " + mostShown + " shown" : many;
  if (found.n > 0) {
    nodes.push(table(said + " with this text in name, target or note", ["Address", "Goes to", "In the inventory"], found.shown, ({ d, row }) => {
      const whole = row.key + "@" + inventory.domains[d].n;
      const full = { ...row, detail: row.detail || inventory.detailOf(d) };
      return [/\+[+*]$/.test(row.key) ? make("span", { class: "mono" }, whole) : addressLink(whole), inventory.domains[d].r ? "–" : [goesTo(inventory, d, full), noteOf(row.note)], make("span", { class: "mono soft" }, inventory.place(row.at))];
    }));
  }
  if (!card && found.n + domains.length + users.length === 0) nodes.push(make("p", {}, "Nothing has this text. Write a whole address to see where its mail goes."));
  nodes.said = card ? card.querySelector("p.end, p").textContent : said + " found";
  return nodes;
}

const views = {
  domains: viewDomains, domain: viewDomain, users: viewUsers, user: viewUser, picture: viewPicture, mx: viewMX, findings: viewFindings, find: viewFind,
};
const parents = { domain: "domains", user: "users" };

// show shows the view that the hash of the address names. A hash without a view is a
// search, so that links from elsewhere may be short.
function show(inventory, focus) {
  const hash = location.hash.slice(1);
  if (hash === "main") return document.getElementById("main").focus();
  const equals = hash.indexOf("=");
  let name = equals < 0 ? hash : hash.slice(0, equals);
  let value = "";
  try {
    value = equals < 0 ? "" : decodeURIComponent(hash.slice(equals + 1));
  } catch {
    value = "";
  }
  if (name === "") name = "domains";
  if (!Object.hasOwn(views, name)) [name, value] = ["find", hash];
  if (name === "find" && inventory.cut) name = "domains";
  const nodes = views[name](inventory, value);
  document.getElementById("view").replaceChildren(...nodes);
  document.getElementById("said").textContent = nodes.said || "";
  for (const a of document.querySelectorAll("#views a")) {
    const current = a.getAttribute("href") === "#" + (parents[name] || name);
    if (current) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  const q = document.getElementById("q");
  if (q && document.activeElement !== q) q.value = name === "find" ? value : "";
  if (focus && nodes[0].focus && document.activeElement !== q) {
    nodes[0].focus();
    scrollTo(0, 0);
  }
}

async function start() {
  const view = document.getElementById("view");
  if (typeof DecompressionStream === "undefined") {
    view.replaceChildren(make("p", { class: "note" }, "This browser cannot unpack the addresses; it needs DecompressionStream, which browsers have since 2023."));
    return;
  }
  const data = document.getElementById("data");
  const inventory = new Inventory(await unpack(data.textContent.trim()));
  inventory.senders = new Senders(inventory);
  data.remove();
  let typed = false;
  addEventListener("hashchange", () => {
    show(inventory, !typed);
    typed = false;
  });
  const q = document.getElementById("q");
  if (q) listen(q, () => (typed = true));
  show(inventory, false);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

// listen searches while a person types. "/" goes to the search, and Escape empties it.
function listen(q, typing) {
  const search = () => {
    const hash = "#find=" + encodeURIComponent(q.value.trim());
    if (location.hash === hash) return;
    typing();
    location.replace(hash);
  };
  let wait = 0;
  q.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(search, 120);
  });
  q.addEventListener("keydown", (event) => {
    if (event.key === "Escape") q.value = "";
  });
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(wait);
    search();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    event.preventDefault();
    q.focus();
  });
}

if (typeof document === "object") start();
