"use strict";

// An Inventory answers for addresses as `virtmap lookup` does. text is the data of the
// page, in the form that the package comment describes.
class Inventory {
  constructor(text) {
    const end = text.indexOf("\n");
    Object.assign(this, JSON.parse(text.slice(0, end)));
    this.text = text.slice(end);
    this.lower = this.text.toLowerCase();
    this.byName = new Map(this.domains.map((d, i) => [d.n, i]));
    this.userByName = new Map(this.users.map((u) => [u.n, u]));
    this.aliasSet = new Set(this.aliases);
    this.hostNames = new Set([this.host, ...this.localNames]);
    this.starts = [];
    for (let at = this.text.indexOf("\n@"); at >= 0; at = this.text.indexOf("\n@", at + 1)) this.starts.push(at + 1);
    this.blocks = [];
    this.defaultRows = this.readRows(this.roles, this.defaults);
  }

  // block returns the own rows of a domain by key.
  block(d) {
    if (!this.blocks[d]) {
      const block = this.text.slice(this.starts[d], this.starts[d + 1]);
      this.blocks[d] = this.readRows(block.slice(block.indexOf("\n") + 1), this.domains[d]);
    }
    return this.blocks[d];
  }

  readRows(text, of) {
    const rows = new Map();
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const row = Inventory.readRow(line, of);
      rows.set(row.key, row);
    }
    return rows;
  }

  static readRow(line, of) {
    const parts = line.split("\t");
    const [key, to] = parts, rest = parts[parts.length - 1];
    const [, off, detail, file, number, senders] = /^(x?)([kdr]?)(?:(\d+):)?(-?\d+)(?:=(.*))?$/.exec(rest);
    const at = file === undefined ? [of.at[0], of.at[1] + Number(number)] : [Number(file), Number(number)];
    return { key, to, off: off !== "", detail, at, note: parts.length > 3 ? parts[2] : "", senders };
  }

  // place returns a place as file:line; empty if there is none.
  place(at) {
    return at && at[1] > 0 ? this.files[at[0]] + ":" + at[1] : "";
  }

  // meant returns the host for the names that mean it.
  meant(domain) {
    const dot = this.host.indexOf(".");
    return domain === "localhost" || (dot >= 0 && domain === "localhost" + this.host.slice(dot)) ? this.host : domain;
  }

  // served returns the index of a domain that has a table; -1 for others.
  served(domain) {
    const d = this.byName.get(domain);
    return d === undefined || this.domains[d].r ? -1 : d;
  }

  // about reports whether the page is about a domain of its data. The others are there
  // because mail of those goes on to them.
  about(d) {
    return !this.domains[d].h;
  }

  detailOf(d) {
    for (; d >= 0; d = this.domains[d].s) if (this.domains[d].d) return this.domains[d].d;
    return this.defaults.d || "d";
  }

  // catchAll returns the row for addresses of a domain that are not listed.
  catchAll(d) {
    const row = { key: "", detail: this.detailOf(d), off: false };
    for (let i = d; i >= 0; i = this.domains[i].s) {
      if (this.domains[i].c) return { ...row, to: this.domains[i].c, at: this.domains[i].cAt, note: this.domains[i].cO || "", of: i };
    }
    return { ...row, to: this.defaults.c, at: this.defaults.cAt, note: this.defaults.cO || "", of: -1 };
  }

  // find finds a key in the effective table of a domain. of is the domain that lists it,
  // -1 the defaults.
  find(d, key) {
    for (let i = d; ; i = this.domains[i].s) {
      const row = this.block(i).get(key);
      if (row) return row.to === "-" ? null : { ...row, detail: row.detail || this.detailOf(i), of: i };
      if (this.domains[i].s >= 0) continue;
      const role = this.hostNames.has(this.domains[i].n) ? undefined : this.defaultRows.get(key);
      return role && role.to !== "-" ? { ...role, detail: role.detail || this.detailOf(i), of: -1 } : null;
    }
  }

  // table returns the effective table of a domain, the catch-all last.
  table(d) {
    const keys = new Set();
    for (let i = d; i >= 0; i = this.domains[i].s) {
      for (const key of this.block(i).keys()) keys.add(key);
      if (this.domains[i].s < 0 && !this.hostNames.has(this.domains[i].n)) for (const key of this.defaultRows.keys()) keys.add(key);
    }
    const rows = [];
    for (const key of keys) {
      const row = this.find(d, key);
      if (row) rows.push(row);
    }
    rows.push(this.catchAll(d));
    return rows;
  }

  // match returns the row that a local part matches, and the keys that were tried.
  match(d, local) {
    const plus = local.indexOf("+", 1);
    const user = plus > 0 ? local.slice(0, plus) : local;
    const detail = plus > 0 ? local.slice(plus + 1) : "";
    const keys = [local];
    if (plus > 0) keys.push(...(detail ? [user + "++"] : []), user + "+*", user, ...(detail ? ["++"] : []), "+*");
    const split = { user, detail, plus: plus > 0 ? "+" + detail : "" };
    for (let i = 0; i < keys.length; i++) {
      const row = this.find(d, keys[i]);
      if (!row) continue;
      const tried = keys.slice(0, i);
      if (i === 0) return { row, tried, user: local, detail: "", plus: "" };
      const closed = row.detail === "r" && keys[i] === user && row.to[0] !== "!";
      return { row, tried, ...split, closed: closed ? this.noDetail : -1 };
    }
    const row = this.catchAll(d);
    const closed = plus > 0 && row.detail === "r" && row.to[0] !== "!";
    return { row, tried: keys, ...split, closed: !closed ? -1 : this.domains[d].wd >= 0 ? this.domains[d].wd : this.noDetail };
  }

  // answer returns what becomes of mail for an address, and the way there as a tree of
  // steps. problem says why there is no answer.
  answer(asked) {
    const folded = Inventory.fold(asked);
    if (folded.problem) return folded;
    const { local } = folded;
    const domain = this.meant(folded.domain);
    if (domain !== folded.domain && this.served(domain) >= 0) {
      return { problem: "Servers differ in what " + folded.domain + " means while " + domain + " is a domain with addresses. Ask virtmap lookup." };
    }
    const d = this.byName.get(domain);
    if (this.only.length > 0 && (d === undefined || !this.about(d))) {
      const names = this.only.slice(0, 3).join(", ") + (this.only.length > 3 ? " and " + (this.only.length - 3) + " more" : "");
      return { problem: "This page is about " + names + ", and does not know what becomes of mail for " + folded.domain + ". Ask virtmap lookup." };
    }
    const answer = { address: local + "@" + folded.domain, steps: [] };
    let end;
    if (d !== undefined && this.domains[d].r === "backup") {
      end = { recipients: [answer.address] };
      answer.steps.push({ kind: "backup", domain: d });
    } else if (this.served(domain) < 0 && !this.hostNames.has(domain)) {
      end = this.refuse(this.notOurs, answer.steps, d === undefined ? "foreign" : "closed");
    } else {
      end = this.at(local, domain, answer.steps, 0);
    }
    if (end.problem) return { problem: end.problem };
    if (end.refusal !== undefined) return { ...answer, taken: false, recipients: [], ...this.refusals[end.refusal] };
    return { ...answer, taken: true, recipients: [...new Set(end.recipients)].sort(Inventory.byBytes) };
  }

  static byBytes(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  // fold returns the parts of an address in the form of an inventory.
  static fold(asked) {
    const at = asked.lastIndexOf("@");
    const local = asked.slice(0, Math.max(at, 0));
    let domain = asked.slice(at + 1).replace(/\.$/, "");
    if (at < 1 || domain === "") return { problem: "Write a whole address, such as info@shop.example." };
    if (!/^[A-Za-z0-9.$&'*+=?^_{}~-][A-Za-z0-9.#$&'*+\-/=?^_{|}~]{0,63}$/.test(local)) {
      return { problem: "A page answers for plain names only, of letters, digits and a few signs. Ask virtmap lookup about this one." };
    }
    if (/\+[+*]$/.test(local)) {
      return { problem: "This is a key for many addresses, not an address. Write one of them, such as " + (local.slice(0, -2) || "anybody") + "+news@" + domain + "." };
    }
    if (/[^\x00-\x7f]/.test(domain) && !/[\x00-\x2c/:;<=>?@[\\\]^`{|}]/.test(domain)) {
      try {
        domain = new URL("http://" + domain).hostname;
      } catch {
        return { problem: "This is no domain." };
      }
    }
    domain = domain.toLowerCase();
    if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(domain)) return { problem: "This is no domain." };
    return { local: local.toLowerCase(), domain };
  }

  // mostSteps limits a chain of addresses, so that the stack is not used up.
  static mostSteps = 500;

  // at returns the end of mail for an address of this server. It adds its steps.
  at(local, domain, steps, depth) {
    if (depth > Inventory.mostSteps) return { problem: "This address is too many steps away for a page. Ask virtmap lookup." };
    const d = this.served(domain);
    if (d < 0) return this.account(local, steps);
    const m = this.match(d, local);
    const step = { kind: "address", local, domain: d, row: m.row, tried: m.tried, then: [] };
    steps.push(step);
    if (m.closed >= 0) return this.refuse(m.closed, step.then, "detail");
    const { to } = m.row;
    if (to === "~") return this.account(local, step.then);
    if (to[0] === "@") return this.onward(m.user + m.plus + to, step.then, depth);
    if (to[0] === "!") {
      const own = m.row.key === "" && this.domains[d].w >= 0 ? this.domains[d].w : Number(to.slice(1));
      return this.refuse(own, step.then, m.row.off ? "off" : m.row.key === "" ? "unlisted" : "listed");
    }
    return this.target(to, m, m.row.detail === "k" ? m.plus : "", step.then, depth);
  }

  refuse(refusal, steps, why) {
    steps.push({ kind: "refused", why, ...this.refusals[refusal] });
    return { refusal };
  }

  // target returns the end of a target. m has the parts for a pattern, and keep is the
  // detail that the target gets.
  target(to, m, keep, steps, depth) {
    if (to[0] === "!") return this.refuse(Number(to.slice(1)), steps, "listed");
    if (to[0] === "[") return this.list(to, steps, depth);
    if (to[0] === "%") {
      const parts = { 1: m.user, 2: m.detail, 3: m.plus, "%": "%" };
      return this.onward(to.slice(1).replace(/%([123%])/g, (_, c) => parts[c]), steps, depth);
    }
    const at = to.lastIndexOf("@");
    if (at > 0) return this.onward(to.slice(0, at) + keep + to.slice(at), steps, depth);
    const name = Inventory.name(to);
    const user = this.userByName.get(name);
    if (user) return this.user(user, keep, steps, depth);
    steps.push({ kind: "alias", name });
    return Inventory.taken(name + keep);
  }

  // name returns the name of a user or an alias without its escapes.
  static name(to) {
    return to[0] === "'" ? decodeURIComponent(to.slice(1)) : to;
  }

  // taken returns the end at a recipient. An empty detail is no detail.
  static taken(recipient) {
    return { recipients: [/[@/]/.test(recipient) ? recipient : recipient.replace(/\+$/, "")] };
  }

  // parts returns the members of a list, and who gets its bounces.
  static parts(to) {
    const end = to.lastIndexOf("]");
    return { members: to.slice(1, end).split(" "), bounces: to.slice(end + 2) };
  }

  list(to, steps, depth) {
    const step = { kind: "list", ...Inventory.parts(to), then: [] };
    steps.push(step);
    const all = [];
    for (const member of step.members) {
      const end = this.target(member, Inventory.nobody, "", step.then, depth + 1);
      if (end.problem) return end;
      all.push(...(end.recipients || []));
    }
    return { recipients: all };
  }

  static nobody = { user: "", detail: "", plus: "" };

  user(u, keep, steps, depth) {
    const step = { kind: "user", user: u, then: [] };
    steps.push(step);
    if (!u.f) return u.m ? { recipients: [u.m] } : Inventory.taken(u.n + keep);
    if (!u.k) return this.target(u.f, Inventory.nobody, keep, step.then, depth + 1);
    const end = this.target(u.f, Inventory.nobody, "", step.then, depth + 1);
    if (end.problem) return end;
    return { recipients: [...(end.recipients || []), u.m || u.n] };
  }

  // onward returns the end of mail that goes on to an address.
  onward(addr, steps, depth) {
    const at = addr.lastIndexOf("@");
    const domain = this.meant(addr.slice(at + 1));
    if (this.served(domain) >= 0 || this.hostNames.has(domain)) return this.at(addr.slice(0, at), domain, steps, depth + 1);
    steps.push({ kind: "elsewhere", addr });
    return { recipients: [addr] };
  }

  // account returns the end at a name that is left to the server.
  account(local, steps) {
    const name = local.split("+", 1)[0];
    const known = this.userByName.has(name) || this.aliasSet.has(name);
    const own = this.accounts[name];
    if (!known && !own) return this.refuse(this.noAccount, steps, "account");
    steps.push({ kind: "account", name: local });
    return known || local !== name ? Inventory.taken(local) : { recipients: own };
  }
}

if (typeof module === "object") module.exports = { Inventory };
