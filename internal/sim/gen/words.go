package gen

import "strings"

// vocabulary is what names and texts are made of.
type vocabulary struct {
	firstNames, lastNames               []string
	brandHeads, brandTails, forms       []string
	mediaTails, products, goals         []string
	sites, paths, sources, sub1s, sub2s []string
}

func newVocabulary() vocabulary {
	f := strings.Fields
	return vocabulary{
		firstNames: f("Anna Petr Maria Jan Olivia Tomas Lucie Mark Ivan Julia Pavel Sofia Adam Eva Martin Noor Liam Zoë"),
		lastNames:  f("Novak Svoboda Dvorak Smith Brown Keller Weber Rossi Garcia Silva Kowalski Horvat Nagy Popescu Ivanov Tanaka Okafor Larsen Müller Dubois O'Neill Castro"),
		brandHeads: f("Blue Nord Hyper Green Prime Silver Rapid Solar Urban Atlas Lucky Clear Metro Delta Pixel Crown"),
		brandTails: f("Commerce Games Finance Travel Insurance Mobile Fashion Dating Education Energy Health Media"),
		forms:      f("Ltd. GmbH s.r.o. Inc. B.V. S.A."),
		mediaTails: f("Media Traffic Network Ads Performance Leads Publishing Mobile"),
		products:   f("loan casino vpn app-install shoes hotel phone insurance survey creditcard game subscription books flights vitamins coupons"),
		goals:      f("registration first-deposit purchase renewal"),
		sites:      f("news blog forum deals coupons video recipes weather sport auto games music football travel kids tech"),
		paths: f("/ /index.html /article/best-loans-2016 /category/mobile /2016/09/05/how-to-save-money /top10/vpn-services /forum/viewtopic.php " +
			"/search /m/home /video/watch /reviews/casino-bonus,no-deposit /go/partner.php /tag/discount /deals/today /p/12345-sale,summer"),
		sources: f("SRC1 newsletter popunder push banner728x90 facebook native adwords email-list RON premium mobile_web"),
		sub1s:   f("SUBA SUBB homepage sidebar footer interstitial campaign7 retarget lookalike-3 test žluťoučký кампания"),
		sub2s:   f("PD CPM desktop mobile tablet ios android wifi 3g low high a b c"),
	}
}
