
// Senders says who may send from an address, as `virtmap lookup --from` does.
class Senders {
  constructor(inventory) {
    this.inventory = inventory;
    this.any = inventory.domains.some((_, d) => this.sends(d));
    this.known = new Map();
    // ends follows targets as the inventory does, but not what a user forwards: who forwards
    // mail may still send.
    this.ends = Object.create(inventory, { user: { value: (u) => ({ recipients: [u.n] }) } });
  }

  // sends reports whether mail is sent from addresses of a domain.
  sends(d) {
    return Boolean(this.inventory.domains[d].e);
  }

  // of returns who may send from a folded address, and why: {users, why, further}. further
  // says that the senders of the domain may too. It is undefined if the inventory says
  // nothing: the address is neither of a domain that sends nor of the server itself.
  of(addr) {
    const at = addr.lastIndexOf("@");
    const local = addr.slice(0, at), domain = this.inventory.meant(addr.slice(at + 1));
    const user = Senders.user(local);
    const own = this.inventory.userByName.has(user) ? [user] : [];
    const d = this.inventory.served(domain);
    if (d >= 0 && this.sends(d)) {
      const right = this.right(d, local);
      return right.own ? { ...right, users: Senders.joined(right.users, own) } : right;
    }
    return this.inventory.hostNames.has(domain) ? { users: own, why: "account" } : undefined;
  }

  // user returns a local part without its detail.
  static user(local) {
    const plus = local.indexOf("+", 1);
    return plus > 0 ? local.slice(0, plus) : local;
  }

  static joined(a, b) {
    return [...new Set([...a, ...b])].sort(Inventory.byBytes);
  }

  // isOne reports whether a key is that of one address.
  static isOne(key) {
    return key !== "" && !/\+[+*]$/.test(key);
  }

  // right returns the right to an address of a domain that sends. own says that each user
  // has it too, to the address of the same name.
  right(d, local) {
    for (const key of [local, Senders.user(local)]) {
      const row = Senders.isOne(key) && this.inventory.find(d, key);
      if (row) return this.rightOf(d, row);
    }
    return this.rightOf(d, this.inventory.catchAll(d));
  }

  // rightOf returns the right to the address of a row, or to those that are not listed.
  rightOf(d, row) {
    if (row.to[0] === "!") return { users: [], why: "refused" };
    if (row.senders !== undefined) return { users: row.senders.split(" ").filter(Boolean), why: "listed" };
    const gets = this.recipients(row.to);
    if (!gets) return { users: [], why: gets === null ? "refused" : "far" };
    const further = this.ofDomain(d), own = row.to === "~";
    return { users: Senders.joined(gets, further), why: own ? "own" : "gets", own, further: further.length > 0 };
  }

  // ofDomain returns the senders of a domain, which may be those of the domain it copies.
  ofDomain(d) {
    const { domains } = this.inventory;
    for (; d >= 0; d = domains[d].s) if (domains[d].sn) return domains[d].sn;
    return [];
  }

  // recipients returns the users who get the mail of a target; null if it is refused, and
  // undefined if its end is too many steps away.
  recipients(to) {
    if (/^[@%~]/.test(to)) return [];
    if (!this.known.has(to)) {
      const end = this.ends.target(to, Inventory.nobody, "", [], 0);
      const users = end.recipients && end.recipients.map(Senders.user).filter((name) => this.inventory.userByName.has(name));
      this.known.set(to, end.refusal === undefined ? users : null);
    }
    return this.known.get(to);
  }

  // from returns the addresses from which a user may send, as rows {d, row, why} of the
  // tables of domains. why is listed, gets, domain or own. The row of a user's own address at a domain that is open to the
  // accounts of the server has the name as its key.
  from(name) {
    const all = [];
    this.inventory.domains.forEach((_, d) => {
      if (!this.sends(d)) return;
      for (const row of this.inventory.table(d)) {
        const why = (row.key === "" || Senders.isOne(row.key)) && this.because(name, d, row);
        if (why) all.push({ d, row: why === "own" ? { ...row, key: name } : row, why });
      }
    });
    return all;
  }

  // because returns why a user has the right to a row; "" if the user does not have it.
  because(name, d, row) {
    const among = (users, why) => (users.includes(name) ? why : "");
    if (row.to[0] === "!") return "";
    if (row.senders !== undefined) return among(row.senders.split(" "), "listed");
    const gets = this.recipients(row.to);
    if (!gets) return "";
    return among(gets, "gets") || among(this.ofDomain(d), "domain") || (row.to === "~" && !this.inventory.find(d, name) ? "own" : "");
  }
}

if (typeof module === "object") module.exports.Senders = Senders;
