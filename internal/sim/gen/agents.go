package gen

import (
	"fmt"
	"strings"
)

// agent is one browser on one device, with its cells ready to be copied.
type agent struct {
	class      agentClass
	text       string // the user agent
	cell       []byte // the same as a CSV cell
	browser    int
	device     []byte // brand, model, os and version: four cells
	connection []byte
	app        bool // a web view inside an app: it knows its advertising id
	ios        bool
}

type agentClass int

const (
	desktop agentClass = iota
	android
	apple
	agentClasses
)

const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"

var (
	chromes   = strings.Fields("53.0.2785.89 52.0.2743.116 51.0.2704.103 50.0.2661.102 49.0.2623.112 47.0.2526.111 45.0.2454.85 31.0.1650.63")
	firefoxes = strings.Fields("48.0 47.0 45.0 43.0 38.0")
)

// agentList is user agents by class.
type agentList [agentClasses][]agent

func (all *agentList) add(c agentClass, browser int, brand, model, os, version, connection, text string) {
	all[c] = append(all[c], agent{
		class: c, text: text, cell: quoted(text), browser: browser,
		device:     []byte(`"` + brand + `","` + model + `","` + os + `","` + version + `"`),
		connection: quoted(connection),
		app:        strings.Contains(text, "; wv)") || strings.Contains(text, "[FB"),
		ios:        c == apple,
	})
}

// agents lists some 400 user agents, by class.
func agents() agentList {
	var all agentList
	all.addDesktops()
	all.addApples()
	all.addAndroids()
	return all
}

func (all *agentList) addDesktops() {
	for _, nt := range []string{"6.1; WOW64", "10.0; WOW64", "6.1", "6.3; WOW64", "5.1", "6.2; WOW64"} {
		version := strings.SplitN(nt, ";", 2)[0]
		for _, v := range chromes {
			all.add(desktop, 6, "", "", "Windows", version, "broadband", "Mozilla/5.0 (Windows NT "+nt+") "+webkit+" Chrome/"+v+" Safari/537.36")
		}
		for _, v := range firefoxes {
			all.add(desktop, 2, "", "", "Windows", version, "broadband", "Mozilla/5.0 (Windows NT "+nt+"; rv:"+v+") Gecko/20100101 Firefox/"+v)
		}
		all.add(desktop, 5, "", "", "Windows", version, "broadband", "Mozilla/5.0 (Windows NT "+nt+"; Trident/7.0; rv:11.0) like Gecko")
		all.add(desktop, 5, "", "", "Windows", version, "broadband", "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT "+nt+"; Trident/4.0; .NET CLR 2.0.50727; .NET CLR 3.5.30729; Media Center PC 6.0)")
		all.add(desktop, 9, "", "", "Windows", version, "broadband", "Mozilla/5.0 (Windows NT "+nt+") "+webkit+" Chrome/52.0.2743.82 Safari/537.36 OPR/39.0.2256.48")
	}
	for _, mac := range strings.Fields("10_11_6 10_10_5 10_9_5 10_8_5") {
		version := strings.ReplaceAll(mac, "_", ".")
		all.add(desktop, 3, "Apple", "Macintosh", "OS X", version, "broadband", "Mozilla/5.0 (Macintosh; Intel Mac OS X "+mac+") AppleWebKit/601.7.7 (KHTML, like Gecko) Version/9.1.2 Safari/601.7.7")
		for _, v := range chromes[:4] {
			all.add(desktop, 6, "Apple", "Macintosh", "OS X", version, "broadband", "Mozilla/5.0 (Macintosh; Intel Mac OS X "+mac+") "+webkit+" Chrome/"+v+" Safari/537.36")
		}
	}
	all.add(desktop, 11, "", "", "", "", "", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	all.add(desktop, 11, "", "", "", "", "", `Mozilla/5.0 (compatible; "LinkChecker", v1.2; +http://checker.example/bot)`)
	all.add(desktop, 0, "", "", "", "", "", "")
}

func (all *agentList) addApples() {
	for i, ios := range strings.Fields("9_3_5 9_3_4 9_3_2 9_2_1 10_0_1 8_4_1 8_1_3 7_1_2 9_0_2 10_0") {
		version := strings.ReplaceAll(ios, "_", ".")
		for _, model := range []string{"iPhone", "iPad"} {
			os := "CPU iPhone OS " + ios
			if model == "iPad" {
				os = "CPU OS " + ios
			}
			head := "Mozilla/5.0 (" + model + "; " + os + " like Mac OS X) AppleWebKit/601.1.46 (KHTML, like Gecko)"
			all.add(apple, 7, "Apple", model, "iOS", version, "wifi", head+" Version/9.0 Mobile/13G36 Safari/601.1")
			all.add(apple, 7, "Apple", model, "iOS", version, "mobile", fmt.Sprintf("%s Mobile/13G36 [FBAN/FBIOS;FBAV/6%d.0.0.49.175;FBDV/%s7,2;FBSN/iPhone OS;FBSV/%s;FBLC/en_US]", head, i, model, version))
			all.add(apple, 6, "Apple", model, "iOS", version, "wifi", head+" CriOS/53.0.2785.86 Mobile/13G36 Safari/601.1.46")
		}
	}
}

func (all *agentList) addAndroids() {
	for i, d := range androids() {
		os, build := d[2], d[3]
		head := "Mozilla/5.0 (Linux; Android " + os + "; " + d[1] + " Build/" + build
		for _, v := range chromes[:4+i%3] {
			all.add(android, 8, d[0], d[1], "Android", os, "mobile", head+") "+webkit+" Chrome/"+v+" Mobile Safari/537.36")
		}
		all.add(android, 8, d[0], d[1], "Android", os, "wifi", head+"; wv) "+webkit+" Version/4.0 Chrome/52.0.2743.98 Mobile Safari/537.36")
		all.add(android, 10, d[0], d[1], "Android", os, "mobile", "Mozilla/5.0 (Linux; U; Android "+os+"; en-us; "+d[1]+" Build/"+build+") AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30")
		if i%8 == 0 {
			// Some vendors put the model into quotes, which the logs double.
			all.add(android, 10, d[0], d[1], "Android", os, "mobile", `Mozilla/5.0 (Linux; Android `+os+`; "`+d[1]+`" Build/`+build+`) AppleWebKit/533.1, Mobile`)
		}
	}
}

// androids lists brand, model, Android version and build.
func androids() [][4]string {
	return [][4]string{
		{"Samsung", "SM-G900F", "6.0.1", "MMB29M"}, {"Samsung", "SM-G920F", "6.0.1", "MMB29K"}, {"Samsung", "SM-J500FN", "5.1.1", "LMY48B"},
		{"Samsung", "GT-I9505", "5.0.1", "LRX22C"}, {"Samsung", "GT-S6310N", "4.1.2", "JZO54K"}, {"Samsung", "SM-A300FU", "5.0.2", "LRX22G"},
		{"Samsung", "GT-I9301I", "4.4.2", "KOT49H"}, {"Samsung", "SM-T530", "5.0.2", "LRX22G"}, {"Samsung", "SM-G935F", "6.0.1", "MMB29K"},
		{"Huawei", "ALE-L21", "5.0.1", "HuaweiALE-L21"}, {"Huawei", "VNS-L31", "6.0", "HUAWEIVNS-L31"}, {"Huawei", "PLK-L01", "6.0", "HONORPLK-L01"},
		{"Sony", "D5803", "6.0.1", "23.5.A.1.291"}, {"Sony", "E2303", "6.0.1", "26.3.A.1.33"}, {"Sony", "D2303", "5.1.1", "18.6.A.0.182"},
		{"LG", "LG-D855", "6.0", "MRA58K"}, {"LG", "LG-H340n", "5.0.1", "LRX21Y"}, {"LGE", "Nexus 5", "6.0.1", "MOB31E"}, {"LGE", "Nexus 5X", "7.0", "NRD90M"},
		{"Lenovo", "Lenovo A6000", "5.0.2", "LRX22G"}, {"Lenovo", "Lenovo P70-A", "5.1", "LMY47D"}, {"HTC", "HTC One_M8", "6.0", "MRA58K"},
		{"HTC", "HTC Desire 620", "4.4.4", "KTU84P"}, {"Xiaomi", "Redmi Note 3", "5.1.1", "LMY47V"}, {"Xiaomi", "Redmi 3S", "6.0.1", "MMB29M"},
		{"Motorola", "Moto G (4)", "6.0.1", "MPJ24.139-63"}, {"Asus", "ASUS_Z00AD", "5.0", "LRX21V"}, {"Alcatel", "5042X", "4.4.4", "KTU84P"},
		{"ZTE", "ZTE BLADE L3", "5.0.2", "LRX22G"}, {"Doogee", "X5", "5.1", "LMY47I"}, {"OnePlus", "ONEPLUS A3003", "6.0.1", "MMB29M"},
	}
}

// quoted makes a CSV cell of a string: always in quotes, quotes doubled.
func quoted(s string) []byte {
	return []byte(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
}
