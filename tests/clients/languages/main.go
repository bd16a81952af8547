package main

import (
	"encoding/json"
	"os"

	"example.com/cases/liveresize"
)

type call struct {
	Call, Name, Base, Format, Target, Key string
	Width, Height, Density                int
	Exp                                   int64
	Texts                                 map[string]string
}

func main() {
	var cases []call
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	results := []string{}
	for _, each := range cases {
		if each.Call == "sign" {
			signed, err := liveresize.Sign(each.Target, each.Key, each.Exp)
			if err != nil {
				panic(err)
			}
			results = append(results, signed)
			continue
		}
		if each.Format == "" {
			each.Format = "original"
		}
		options := liveresize.Options{Base: each.Base, Density: each.Density, Format: each.Format}
		results = append(results, liveresize.URL(each.Name, each.Width, each.Height, each.Texts, options))
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}
