package gen

// Country is one row of the network's Country entity.
type Country struct {
	ID         int
	Code, Name string

	weight   float64
	mobile   int    // of 1000 visits, how many come from a phone or tablet
	apple    int    // of 1000 mobile visits, how many are iOS
	prefixes []byte // first octets of its IPv4 addresses
	lang     string
	currency string
}

// Countries lists every country that rows may carry, heaviest traffic first.
func Countries() []Country {
	list := []Country{
		{Code: "US", Name: "United States", weight: 24, mobile: 520, apple: 540, prefixes: []byte{24, 66, 67, 71, 72, 98, 107, 174}, lang: "en-us", currency: "USD"},
		{Code: "GB", Name: "United Kingdom", weight: 9, mobile: 560, apple: 510, prefixes: []byte{2, 31, 81, 82, 86, 92}, lang: "en-gb", currency: "GBP"},
		{Code: "DE", Name: "Germany", weight: 8, mobile: 480, apple: 330, prefixes: []byte{46, 77, 79, 84, 87, 93}, lang: "de-de", currency: "EUR"},
		{Code: "CZ", Name: "Czech Republic", weight: 7, mobile: 460, apple: 200, prefixes: []byte{37, 46, 78, 85, 88, 90}, lang: "cs-cz", currency: "CZK"},
		{Code: "FR", Name: "France", weight: 6, mobile: 500, apple: 350, prefixes: []byte{78, 80, 82, 86, 90, 92}, lang: "fr-fr", currency: "EUR"},
		{Code: "IN", Name: "India", weight: 6, mobile: 790, apple: 40, prefixes: []byte{27, 49, 59, 103, 106, 117}, lang: "en-in", currency: "USD"},
		{Code: "BR", Name: "Brazil", weight: 5, mobile: 640, apple: 130, prefixes: []byte{138, 177, 179, 186, 187, 189}, lang: "pt-br", currency: "USD"},
		{Code: "RU", Name: "Russian Federation", weight: 4.5, mobile: 420, apple: 260, prefixes: []byte{5, 31, 37, 46, 95, 178}, lang: "ru-ru", currency: "USD"},
		{Code: "PL", Name: "Poland", weight: 4, mobile: 500, apple: 90, prefixes: []byte{31, 37, 77, 83, 89, 95}, lang: "pl-pl", currency: "EUR"},
		{Code: "ES", Name: "Spain", weight: 3.5, mobile: 580, apple: 180, prefixes: []byte{2, 79, 80, 83, 88, 95}, lang: "es-es", currency: "EUR"},
		{Code: "IT", Name: "Italy", weight: 3.2, mobile: 560, apple: 260, prefixes: []byte{2, 79, 82, 87, 93, 151}, lang: "it-it", currency: "EUR"},
		{Code: "SK", Name: "Slovakia", weight: 2.6, mobile: 470, apple: 180, prefixes: []byte{78, 85, 87, 91, 95, 195}, lang: "sk-sk", currency: "EUR"},
		{Code: "CA", Name: "Canada", weight: 2.4, mobile: 510, apple: 560, prefixes: []byte{24, 70, 99, 142, 174, 184}, lang: "en-ca", currency: "USD"},
		{Code: "ID", Name: "Indonesia", weight: 2.2, mobile: 820, apple: 50, prefixes: []byte{36, 103, 114, 125, 180, 182}, lang: "in-id", currency: "USD"},
		{Code: "MX", Name: "Mexico", weight: 2, mobile: 660, apple: 170, prefixes: []byte{148, 187, 189, 200, 201}, lang: "es-mx", currency: "USD"},
		{Code: "AU", Name: "Australia", weight: 1.8, mobile: 540, apple: 560, prefixes: []byte{1, 49, 58, 101, 110, 120}, lang: "en-au", currency: "USD"},
		{Code: "NL", Name: "Netherlands", weight: 1.6, mobile: 480, apple: 400, prefixes: []byte{31, 62, 77, 80, 84, 86}, lang: "nl-nl", currency: "EUR"},
		{Code: "HU", Name: "Hungary", weight: 1.4, mobile: 470, apple: 120, prefixes: []byte{37, 46, 78, 80, 84, 89}, lang: "hu-hu", currency: "EUR"},
		{Code: "RO", Name: "Romania", weight: 1.3, mobile: 580, apple: 150, prefixes: []byte{5, 79, 82, 86, 89, 109}, lang: "ro-ro", currency: "EUR"},
		{Code: "TH", Name: "Thailand", weight: 1.2, mobile: 740, apple: 250, prefixes: []byte{1, 27, 49, 58, 110, 171}, lang: "th-th", currency: "USD"},
		{Code: "TR", Name: "Turkey", weight: 1.1, mobile: 690, apple: 170, prefixes: []byte{78, 81, 85, 88, 94, 176}, lang: "tr-tr", currency: "USD"},
		{Code: "ZA", Name: "South Africa", weight: 0.9, mobile: 720, apple: 160, prefixes: []byte{41, 102, 105, 154, 197}, lang: "en-za", currency: "USD"},
		{Code: "JP", Name: "Japan", weight: 0.9, mobile: 520, apple: 680, prefixes: []byte{60, 110, 118, 126, 153, 182}, lang: "ja-jp", currency: "USD"},
		{Code: "AT", Name: "Austria", weight: 0.8, mobile: 480, apple: 300, prefixes: []byte{62, 77, 80, 84, 91, 178}, lang: "de-at", currency: "EUR"},
		{Code: "SE", Name: "Sweden", weight: 0.8, mobile: 560, apple: 540, prefixes: []byte{2, 78, 81, 83, 85, 90}, lang: "sv-se", currency: "EUR"},
		{Code: "PH", Name: "Philippines", weight: 0.8, mobile: 760, apple: 110, prefixes: []byte{49, 103, 110, 112, 120, 180}, lang: "en-ph", currency: "USD"},
		{Code: "AR", Name: "Argentina", weight: 0.7, mobile: 600, apple: 90, prefixes: []byte{24, 152, 181, 186, 190, 200}, lang: "es-ar", currency: "USD"},
		{Code: "UA", Name: "Ukraine", weight: 0.7, mobile: 400, apple: 180, prefixes: []byte{31, 37, 46, 77, 91, 178}, lang: "uk-ua", currency: "USD"},
		{Code: "CH", Name: "Switzerland", weight: 0.6, mobile: 540, apple: 590, prefixes: []byte{31, 77, 80, 84, 85, 178}, lang: "de-ch", currency: "EUR"},
		{Code: "CI", Name: "Côte d'Ivoire", weight: 0.3, mobile: 850, apple: 60, prefixes: []byte{41, 102, 154, 160, 196}, lang: "fr-ci", currency: "EUR"},
		{Code: "KR", Name: "Korea, Republic of", weight: 0.3, mobile: 620, apple: 220, prefixes: []byte{1, 14, 58, 112, 121, 175}, lang: "ko-kr", currency: "USD"},
		{Code: "NZ", Name: "New Zealand", weight: 0.3, mobile: 540, apple: 520, prefixes: []byte{49, 101, 114, 121, 125, 202}, lang: "en-nz", currency: "USD"},
	}
	for i := range list {
		list[i].ID = 4 * (i + 1)
	}
	return list
}
