package config

import (
	"fmt"
	"slices"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"

	"rawlogs/internal/near"
)

// A key that nothing reads is most often a misspelt one, and the setting that was meant
// keeps its default. So every key of the file is looked up, at every depth, in the text
// itself: the parsed values have lost their lines.

// inner are the keys of the maps that may stand below a key.
func inner(key string) []string {
	switch key {
	case "networks":
		return memberKeys()
	case "csv":
		return []string{"until", "escape"}
	case "timezone":
		return []string{"until", "zone"}
	case "notify":
		return hookKeys()
	}
	return nil
}

// unknownKey is an error about the first key of the file that nothing reads.
func unknownKey(top *yamlnode.Node, path string) error {
	return lookUp(top, "", append(Keys(), "networks"), Origin{Kind: File, Name: path})
}

// lookUp looks the keys of a map, or of the maps of a list, up among the known ones.
// under is the key that they stand below.
func lookUp(node *yamlnode.Node, under string, known []string, from Origin) error {
	switch node.Kind {
	case yamlnode.AliasNode:
		return lookUp(node.Alias, under, known, from)
	case yamlnode.SequenceNode:
		for i, one := range node.Content {
			if under == "networks" {
				from.Member = i + 1
			}
			if err := lookUp(one, under, known, from); err != nil {
				return err
			}
		}
	case yamlnode.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := lookUpKey(node.Content[i], node.Content[i+1], under, known, from); err != nil {
				return err
			}
		}
	default:
	}
	return nil
}

func lookUpKey(key, value *yamlnode.Node, under string, known []string, from Origin) error {
	if key.Tag == "!!merge" {
		return lookUp(value, under, known, from)
	}
	if !slices.Contains(known, key.Value) { //guard:unknown-key
		from.Line = key.Line
		return unknownSetting(key.Value, under, known, from)
	}
	if below := inner(key.Value); below != nil {
		return lookUp(value, key.Value, below, from)
	}
	return nil
}

// unknownSetting names the setting that was probably meant, and all that there are.
func unknownSetting(key, under string, known []string, from Origin) error {
	text, hint := fmt.Sprintf("unknown setting %q", key), "settings: "
	switch under {
	case "":
	case "networks":
		hint = "settings of a network: "
	default:
		text, hint = fmt.Sprintf("unknown %q in %s", key, under), under+" has: "
	}
	if meant := near.Of(key, known); meant != "" {
		text += fmt.Sprintf(": did you mean %s?", meant)
	}
	err := wrong("%s: %s", from, text)
	err.hint = hint + strings.Join(known, ", ")
	return err
}
