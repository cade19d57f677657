
// mostLines is the largest number of lines in a picture. More domains are drawn one by
// one.
const mostLines = 300;

// lines draws a line for each source: its name, and a box for each end with the number
// of its addresses.
function lines(flows, title) {
  const sources = new Map();
  for (const f of flows) {
    if (!sources.has(f.from)) sources.set(f.from, new Map());
    const ends = sources.get(f.from);
    const name = f.bad ? f.way : f.end + (f.way.startsWith("list ") ? " by a list" : "");
    const end = ends.get(name) || { name, n: 0, kind: f.bad ? "bad" : f.way.startsWith("list ") ? "list" : "" };
    end.n += f.n;
    ends.set(name, end);
  }
  const all = [...sources].slice(0, mostLines);
  const drawn = all.map(([name, ends], i) => line(name, [...ends.values()].sort((a, b) => b.n - a.n || Inventory.byBytes(a.name, b.name)), 30 * i));
  const left = sources.size - all.length;
  const text = title + ": a line for each of " + count(sources.size, "source") + ", with where its mail ends. The table below has the same facts.";
  const rest = left > 0 ? make("text", { x: 250, y: 30 * all.length + 20, "text-anchor": "end" }, left.toLocaleString("en") + " more") : "";
  return make("svg", { viewBox: `0 0 1060 ${30 * all.length + (left > 0 ? 30 : 4)}`, role: "img", "aria-labelledby": "picture-title" }, make("title", { id: "picture-title" }, text), drawn, rest);
}

// line draws the boxes of one source, as many as there is room for.
function line(name, ends, y) {
  const parts = [make("text", { x: 250, y: y + 20, "text-anchor": "end" }, shortened(name, 34), make("title", {}, name))];
  let x = 262;
  for (let i = 0; i < ends.length; i++) {
    const { name: end, n, kind } = ends[i];
    const text = shortened(end, 30) + (n > 1 ? " " + n.toLocaleString("en") : "");
    const width = 16 + 7 * text.length;
    if (x + width > (i + 1 < ends.length ? 980 : 1058)) {
      parts.push(make("text", { x: x + 4, y: y + 20 }, "and " + (ends.length - i).toLocaleString("en") + " more"));
      break;
    }
    parts.push(make("rect", { x, y: y + 4, width, height: 24, rx: 4, class: "chip " + kind }), make("text", { x: x + 8, y: y + 20, class: "in" }, text, make("title", {}, end + ": " + count(n, "address", "addresses"))));
    x += width + 6;
  }
  return make("g", {}, parts);
}

function shortened(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

// viewPicture draws all domains, or asks to choose one if there are too many.
function viewPicture(inventory, domain) {
  const nodes = [heading("Picture")];
  if (inventory.cut) return [...nodes, make("p", {}, inventory.cut)];
  const choosable = inventory.domains.filter((d) => !d.r && !d.h);
  const many = choosable.length > mostLines;
  if (choosable.length === 0) return [...nodes, make("p", {}, "No domain has addresses.")];
  if (!many) return [...nodes, make("p", {}, "Choose a domain or a user in their lists to see each address."), ...pictureParts(inventory, flowsOfAll(inventory), "Who gets the mail of all domains")];
  const input = make("input", { list: "choices", id: "choose", value: domain || "" });
  const list = make("datalist", { id: "choices" }, choosable.slice(0, 1000).map((d) => make("option", { value: d.n })));
  const form = make("form", {}, make("label", { for: "choose" }, count(choosable.length, "domain") + " are too many for one picture. Draw one of them: "), input, " ", make("button", {}, "Draw"), list);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = "#picture=" + encodeURIComponent(input.value.trim().toLowerCase());
  });
  nodes.push(form);
  const d = inventory.served(domain || choosable[0].n);
  if (d < 0 || !inventory.about(d)) return [...nodes, make("p", {}, "There are no addresses of " + domain + ".")];
  return [...nodes, ...pictureParts(inventory, flowsOfDomain(inventory, d), "Who gets the mail of " + inventory.domains[d].n)];
}
