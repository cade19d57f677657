package inventory

import (
	"encoding/json"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A shape is a JSON Schema (draft-07), or a part of one.
type shape map[string]any

// Schema returns the JSON Schema of an inventory, or of an included file, for editors.
// It is made from the tables of keys that the reader uses. It never refuses what the
// reader accepts. Rules about more than one value, such as whether a user is declared,
// are not in the schema.
func Schema(included bool) ([]byte, error) {
	root := object("top")
	root["required"] = []string{"version", "host"}
	if included {
		root = object("included")
	}
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "virtmap inventory"
	definitions := shape{}
	for _, s := range Sections() {
		if s.Name != "top" && s.Name != "included" {
			definitions[s.Name] = object(s.Name)
		}
	}
	definitions["host"].(shape)["required"] = []string{"name"}
	root["definitions"] = definitions
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

// free are the keys that every mapping of fixed keys may have.
var free = shape{"^x-": true}

// object returns the shape of a section.
func object(section string) shape {
	all := Sections()
	s := all[slices.IndexFunc(all, func(s Section) bool { return s.Name == section })]
	properties := shape{"note": shape{"description": "Free text for who reads this next."}}
	for _, k := range s.Keys {
		properties[k.Name] = k.shape()
	}
	return shape{"description": s.Doc, "type": "object", "properties": properties, "patternProperties": free, "additionalProperties": false}
}

func (k *Key) shape() shape {
	value, ok := kinds[k.Kind]
	if !ok && k.Kind == "mapping" {
		value, ok = mappings[k.Name], true
	}
	if !ok {
		value = words(k.Kind)
	}
	// A key with an empty value has its default.
	described := shape{"description": k.description(), "anyOf": []any{value, shape{"type": "null"}}}
	var example any
	if yaml.Unmarshal([]byte(k.Example), &example) == nil && example != nil {
		described["examples"] = []any{example}
	}
	return described
}

// description returns what an editor shows beside a key.
func (k *Key) description() string {
	text := k.Doc
	if form := k.form(); form != "" {
		text += "\n\nForm: " + form + "."
	}
	return text + "\n\nExample: " + k.Name + ": " + k.Example
}

// form returns the form of the values of a key; empty if there is no more to say than the
// keys below it say.
func (k *Key) form() string {
	if k.Kind == "mapping" {
		return mappingForms[k.Name]
	}
	if form, ok := forms[k.Kind]; ok {
		return form
	}
	return k.Kind // a choice of words
}

// forms are the forms of the kinds that are not a choice of words.
var forms = map[string]string{
	"1":                             "the number 1",
	"text":                          "a text; quotes only where YAML needs them",
	"domain":                        "a domain name, in Unicode or with xn--",
	"list":                          "a list, such as [a, b]; one value needs no brackets",
	"list of domains":               "a list of domain names; one needs no brackets",
	"list of addresses or networks": "a list of IP addresses and networks; one needs no brackets",
	"address or list":               "a mail address, or a list of them",
	"target":                        "a user, a name of local_aliases, a mail address, a list of these, reject or defer",
	"target or mapping":             "a target, reject, local, or a mapping with to, reject, defer or domain",
	"recipient":                     "a user, a name of local_aliases or a mail address",
	"path":                          "an absolute path",
	"text or mapping":               "a text, or a mapping with code, status and text",
	"reply code":                    "three digits, 4yz or 5yz",
	"enhanced status":               "three numbers, 4.x.x or 5.x.x",
	"status or code":                "an enhanced status such as 5.1.1, or a reply code such as 550",
	"percentage":                    "a number and %",
	"number":                        "a whole number",
	"duration":                      "a number and s, m, h, d or w",
	"mail address":                  "a mail address",
	"yes, no or mapping":            "yes, no, or a mapping with dkim",
	"list of users":                 "a list of users, such as [andrei, bea]; one needs no brackets",
	"list of users or none":         "a list of users, or none; one needs no brackets",
}

// mappingForms are the forms of mappings whose keys a person chooses, by the name of their
// key.
var mappingForms = map[string]string{
	"users":     "names of users, each with a mapping or without a value",
	"domains":   "domain names, each with a mapping or without a value",
	"addresses": "parts before the @, each with a user, an address, a list, reject, defer, or a mapping",
	"roles":     "parts before the @, each with a user, an address, a list, or none",
	"tests":     "mail addresses, each with its outcome",
	"dkim":      "selectors, each with the path of a private key",
	"checks":    "ids of checks, each with a severity, and profile",
}

// words returns the shape of a kind such as "hash, cdb or text".
func words(kind string) shape {
	var all []any
	for _, word := range strings.Split(strings.ReplaceAll(kind, " or ", ", "), ", ") {
		all = append(all, word)
		switch word { // a boolean if it has no quotes
		case "true", "yes":
			all = append(all, true)
		case "false", "no":
			all = append(all, false)
		}
	}
	return shape{"enum": all}
}

// scalar is the shape of every value that is read as a text. An editor reads no, 1234
// and null by the rules of YAML.
var scalar = shape{"type": []string{"string", "number", "boolean", "null"}}

var list = either(scalar, shape{"type": "array", "items": scalar})

func either(shapes ...any) shape       { return shape{"anyOf": shapes} }
func section(name string) shape        { return shape{"$ref": "#/definitions/" + name} }
func pattern(expression string) shape  { return shape{"type": "string", "pattern": expression} }
func numeric(expression string) shape  { return either(pattern(expression), shape{"type": "integer"}) }
func or(one shape, other ...any) shape { return either(append([]any{one}, other...)...) }

// kinds are the shapes of the kinds that are not a choice of words.
var kinds = map[string]shape{
	"1":                             {"enum": []any{1, "1"}},
	"text":                          scalar,
	"domain":                        scalar,
	"list":                          list,
	"list of domains":               list,
	"list of addresses or networks": list,
	"address or list":               list,
	"target":                        list,
	"target or mapping":             or(list, section("catch_all")),
	"recipient":                     scalar,
	"path":                          pattern("^/"),
	"text or mapping":               or(scalar, section("refusal")),
	"reply code":                    numeric("^[45][0-9][0-9]$"),
	"enhanced status":               pattern(`^[45]\.[0-9]{1,3}\.[0-9]{1,3}$`),
	"status or code":                numeric(`^[45](\.[0-9]{1,3}\.[0-9]{1,3}|[0-9][0-9])$`),
	"percentage":                    pattern(`^\+?0*(100|[0-9]{1,2})%$`),
	"number":                        numeric(`^[+-]?[0-9]+$`),
	"duration":                      pattern(`^\+?[0-9]+[smhdw]$`),
	"mail address":                  scalar,
	"yes, no or mapping":            or(words("yes or no"), section("sends")),
	"list of users":                 list,
	"list of users or none":         list,
}

// mappings are the shapes of mappings, by the name of their key.
var mappings = map[string]shape{
	"host":       section("host"),
	"defaults":   section("defaults"),
	"guards":     section("guards"),
	"mx":         section("mx"),
	"submission": section("submission"),
	"dkim":       names(pattern("^/"), ""),
	"users":      names(user, "^(note$|x-)"),
	"domains":    names(domain, `^(note$|x-[^.]*$)`),
	"addresses":  names(address, ""),
	"roles":      names(role, ""),
	"tests":      names(test, `^(note$|x-[^@]*$)`),
	"checks": {"type": "object", "properties": shape{"profile": shape{"enum": []any{"default", "strict"}}},
		"patternProperties": shape{"^(note$|x-)": true}, "additionalProperties": words("error, warning, note or ignore")},
}

var (
	address = told("A virtual address: the part before the @, and where its mail goes. Examples: info: andrei, or info: [andrei, bea], or old: {reject: \"Ann has left\"}", list, section("address"))
	role    = told("A role address of every domain, and where its mail goes; none removes it. Example: abuse: andrei", list, section("address"))
	test    = told("A mail address, and its expected outcome. Examples: info@fakemail.example: [andrei, bea], or old@fakemail.example: {reject: 5.1.1}", list, section("outcome"))
	user    = told("A real user. Examples: andrei: without a value, or bea: {mailbox: /srv/mail/bea}", section("user"), shape{"type": "null"})
	domain  = told("A virtual domain. Example: fakemail.example: {addresses: {info: andrei}, catch_all: reject}", section("domain"), shape{"type": "null"})
)

// told returns a choice of shapes with what an editor shows beside it.
func told(description string, shapes ...any) shape {
	return shape{"description": description, "anyOf": shapes}
}

// names returns the shape of a mapping whose keys a person chooses. Keys that match the
// pattern free may have any value.
func names(value shape, free string) shape {
	s := shape{"type": "object", "additionalProperties": value}
	if free != "" {
		s["patternProperties"] = shape{free: true}
	}
	return s
}
