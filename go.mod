module virtmap

go 1.26.0

require golang.org/x/net v0.62.0

require (
	github.com/colinmarc/cdb v0.0.0-20190223170904-60f317823f70 // indirect
	golang.org/x/text v0.43.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
