package authn

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// The words for refusals.
const (
	unreadable    = "the token cannot be read"
	badAlgorithm  = "the algorithm of the token is not allowed"
	extension     = "the token asks for an extension that is not supported"
	badType       = "the token is of a type that is no access token"
	nameless      = "the token does not name the key that it is signed with"
	noKey         = "no key set has the key that the token names"
	badSignature  = "the signature of the token does not hold"
	badClaims     = "the claims of the token cannot be read"
	expired       = "the token has expired"
	tooEarly      = "the token is not valid yet"
	fromTheFuture = "the token was issued in the future"
	badAudience   = "the token is not meant for this audience"
	badIssuer     = "the issuer of the token is not trusted"
	lacksScope    = "the token lacks a scope that the rule requires"
	badSubject    = "the subject of the token is no text for a name"
)

const (
	lena = `{"sub":"lena","exp":1700000060}`
	all  = `{"allowed_algorithms": ["RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","HS256","HS384","HS512","EdDSA"]}`
)

// jwtCase is a token and what becomes of it.
type jwtCase struct {
	config string // on top of the defaults
	token  string
	reason string // why it is refused; empty if it is accepted
	apart  bool   // refused before any key is asked for
}

func TestJWTSignatures(t *testing.T) {
	t.Parallel()
	rs256 := signRS(issuerRSA(), crypto.SHA256)
	with := func(header string) string { return jwtOf(header, lena, rs256) }
	// An attacker has a key, and everything that may help to have it believed.
	own := jwk("own", strangeRSA())
	forged := func(more string) string {
		return jwtOf(`{"alg":"RS256","kid":"own",`+more+`}`, lena, signRS(strangeRSA(), crypto.SHA256))
	}
	public, err := x509.MarshalPKIXPublicKey(issuerRSA().Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	simple := issuedJWT(lena)
	judge(t, map[string]jwtCase{
		"RS256, the default":                    {`{}`, simple, "", false},
		"RS256, which an empty list stands for": {`{"allowed_algorithms": []}`, simple, "", false},
		"RS384":                                 {all, jwtOf(`{"alg":"RS384","kid":"rsa"}`, lena, signRS(issuerRSA(), crypto.SHA384)), "", false},
		"RS512":                                 {all, jwtOf(`{"alg":"RS512","kid":"rsa"}`, lena, signRS(issuerRSA(), crypto.SHA512)), "", false},
		"PS256":                                 {all, jwtOf(`{"alg":"PS256","kid":"rsa"}`, lena, signPS(issuerRSA(), crypto.SHA256)), "", false},
		"PS384":                                 {all, jwtOf(`{"alg":"PS384","kid":"rsa"}`, lena, signPS(issuerRSA(), crypto.SHA384)), "", false},
		"PS512":                                 {all, jwtOf(`{"alg":"PS512","kid":"rsa"}`, lena, signPS(issuerRSA(), crypto.SHA512)), "", false},
		"ES256":                                 {all, jwtOf(`{"alg":"ES256","kid":"ec"}`, lena, signES(issuerEC(), crypto.SHA256)), "", false},
		"ES384":                                 {all, jwtOf(`{"alg":"ES384","kid":"ec-long"}`, lena, signES(longEC(), crypto.SHA384)), "", false},
		"HS256":                                 {all, jwtOf(`{"alg":"HS256","kid":"oct"}`, lena, signHS(hmacSecret, crypto.SHA256)), "", false},
		"HS384":                                 {all, jwtOf(`{"alg":"HS384","kid":"oct"}`, lena, signHS(hmacSecret, crypto.SHA384)), "", false},
		"HS512":                                 {all, jwtOf(`{"alg":"HS512","kid":"oct"}`, lena, signHS(hmacSecret, crypto.SHA512)), "", false},
		"EdDSA":                                 {all, jwtOf(`{"alg":"EdDSA","kid":"ed"}`, lena, signEd(issuerEd())), "", false},
		"members of the header that do not matter": {`{}`, with(`{"typ":"at+jwt","x":[{}],"kid":"rsa","alg":"RS256","x5t":"AA"}`), "", false},

		"the type of an access token": {`{}`, with(`{"typ":"at+jwt","kid":"rsa","alg":"RS256"}`), "", false},
		"in capitals, and in full":    {`{}`, with(`{"typ":"Application/AT+JWT","kid":"rsa","alg":"RS256"}`), "", false},
		"a type that says nothing":    {`{}`, with(`{"typ":"JWT","kid":"rsa","alg":"RS256"}`), "", false},
		"a type that nobody knows":    {`{}`, with(`{"typ":"Bearer","kid":"rsa","alg":"RS256"}`), "", false},
		"a type that is no text":      {`{}`, with(`{"typ":7,"kid":"rsa","alg":"RS256"}`), "", false},

		"the type of a logout token":         {`{}`, with(`{"typ":"logout+jwt","kid":"rsa","alg":"RS256"}`), badType, true},
		"a type in capitals, and in full":    {`{}`, with(`{"typ":"Application/Logout+JWT","kid":"rsa","alg":"RS256"}`), badType, true},
		"a type like that of access tokens":  {`{}`, with(`{"typ":"not-at+jwt","kid":"rsa","alg":"RS256"}`), badType, true},
		"alg none":                           {`{}`, jwtOf(`{"alg":"none","kid":"rsa"}`, lena, noSignature), badAlgorithm, true},
		"alg none, though it is listed":      {`{"allowed_algorithms": ["none", "None", "RS256"]}`, jwtOf(`{"alg":"none","kid":"rsa"}`, lena, noSignature), badAlgorithm, true},
		"alg None":                           {all, jwtOf(`{"alg":"None","kid":"rsa"}`, lena, noSignature), badAlgorithm, true},
		"only alg none is listed":            {`{"allowed_algorithms": ["none"]}`, simple, badAlgorithm, true},
		"alg none, and nothing else listed":  {`{"allowed_algorithms": ["none"]}`, jwtOf(`{"alg":"none","kid":"rsa"}`, lena, noSignature), badAlgorithm, true},
		"no alg":                             {`{}`, with(`{"kid":"rsa"}`), badAlgorithm, true},
		"an empty alg":                       {`{}`, with(`{"alg":"","kid":"rsa"}`), badAlgorithm, true},
		"an alg that is no text":             {`{}`, with(`{"alg":["RS256"],"kid":"rsa"}`), badAlgorithm, true},
		"alg in small letters":               {`{}`, with(`{"alg":"rs256","kid":"rsa"}`), badAlgorithm, true},
		"Alg instead of alg":                 {`{}`, with(`{"Alg":"RS256","kid":"rsa"}`), badAlgorithm, true},
		"an alg that is not listed":          {`{}`, jwtOf(`{"alg":"PS256","kid":"rsa"}`, lena, signPS(issuerRSA(), crypto.SHA256)), badAlgorithm, true},
		"RS256, which is not listed":         {`{"allowed_algorithms": ["ES256"]}`, simple, badAlgorithm, true},
		"an alg that encrypts":               {`{"allowed_algorithms": ["dir", "RS256"]}`, with(`{"alg":"dir","kid":"rsa"}`), badAlgorithm, true},
		"HS256 with the public key as PEM":   {all, jwtOf(`{"alg":"HS256","kid":"rsa"}`, lena, signHS(asPEM, crypto.SHA256)), badSignature, false},
		"HS256 with the public key as DER":   {all, jwtOf(`{"alg":"HS256","kid":"rsa"}`, lena, signHS(public, crypto.SHA256)), badSignature, false},
		"HS256 with the modulus":             {all, jwtOf(`{"alg":"HS256","kid":"rsa"}`, lena, signHS(issuerRSA().N.Bytes(), crypto.SHA256)), badSignature, false},
		"HS256 with nothing":                 {all, jwtOf(`{"alg":"HS256","kid":"rsa"}`, lena, signHS(nil, crypto.SHA256)), badSignature, false},
		"HS256 with another secret":          {all, jwtOf(`{"alg":"HS256","kid":"oct"}`, lena, signHS([]byte("password"), crypto.SHA256)), badSignature, false},
		"RS256 under the name of an EC key":  {all, jwtOf(`{"alg":"RS256","kid":"ec"}`, lena, rs256), badSignature, false},
		"ES256 under the name of an RSA key": {all, jwtOf(`{"alg":"ES256","kid":"rsa"}`, lena, signES(issuerEC(), crypto.SHA256)), badSignature, false},
		"ES256 by a key for ES384":           {all, jwtOf(`{"alg":"ES256","kid":"ec-long"}`, lena, signES(longEC(), crypto.SHA256)), badSignature, false},
		"ES256 with a signature of zeros":    {all, jwtOf(`{"alg":"ES256","kid":"ec"}`, lena, func(string) []byte { return make([]byte, 64) }), badSignature, false},
		"PS256 that is really RS256":         {all, jwtOf(`{"alg":"PS256","kid":"rsa"}`, lena, rs256), badSignature, false},

		"somebody else's signature":     {`{}`, jwtOf(`{"alg":"RS256","kid":"rsa"}`, lena, signRS(strangeRSA(), crypto.SHA256)), badSignature, false},
		"no signature":                  {`{}`, jwtOf(`{"alg":"RS256","kid":"rsa"}`, lena, noSignature), badSignature, false},
		"a signature that is cut off":   {`{}`, simple[:len(simple)-8], badSignature, false},
		"other claims than were signed": {`{}`, swapClaims(simple, `{"sub":"root"}`), badSignature, false},
		"no kid":                        {`{}`, with(`{"alg":"RS256"}`), nameless, true},
		"an empty kid":                  {`{}`, with(`{"alg":"RS256","kid":""}`), nameless, true},
		"a kid of null":                 {`{}`, with(`{"alg":"RS256","kid":null}`), nameless, true},
		"a kid that is a number":        {`{}`, with(`{"alg":"RS256","kid":7}`), unreadable, true},
		"a kid with a NUL":              {`{}`, with(`{"alg":"RS256","kid":"rsa\u0000"}`), nameless, true},
		"a kid that nobody has":         {`{}`, with(`{"alg":"RS256","kid":"nobody"}`), noKey, false},
		"a kid in capitals":             {`{}`, with(`{"alg":"RS256","kid":"RSA"}`), noKey, false},
		"a kid that is a path":          {`{}`, with(`{"alg":"RS256","kid":"../../etc/passwd"}`), noKey, false},
		"a kid that is a query":         {`{}`, with(`{"alg":"RS256","kid":"' or 1=1 --"}`), noKey, false},
		"a kid that is an address":      {`{}`, with(`{"alg":"RS256","kid":"http://169.254.169.254/"}`), noKey, false},
		"a key for encryption":          {`{}`, with(`{"alg":"RS256","kid":"encryption"}`), noKey, false},
		"a key without a use":           {`{}`, with(`{"alg":"RS256","kid":"unmarked"}`), noKey, false},
		"the first key of a name":       {all, jwtOf(`{"alg":"ES256","kid":"twice"}`, lena, signES(issuerEC(), crypto.SHA256)), "", false},
		"the second key of a name":      {all, with(`{"alg":"RS256","kid":"twice"}`), badSignature, false},

		"a critical extension":                    {`{}`, with(`{"alg":"RS256","kid":"rsa","crit":["exp-policy"],"exp-policy":"strict"}`), extension, true},
		"nothing critical, in so many words":      {`{}`, with(`{"alg":"RS256","kid":"rsa","crit":[]}`), extension, true},
		"crit that is no list":                    {`{}`, with(`{"alg":"RS256","kid":"rsa","crit":"exp"}`), extension, true},
		"claims that are not encoded":             {`{}`, with(`{"alg":"RS256","kid":"rsa","crit":["b64"],"b64":false}`), extension, true},
		"claims that are secretly not encoded":    {`{}`, with(`{"alg":"RS256","kid":"rsa","b64":false}`), extension, true},
		"a key that the token brings along":       {`{}`, forged(`"jwk":` + jsonOf(own)), noKey, false},
		"one under the name of the issuer's":      {`{}`, jwtOf(`{"alg":"RS256","kid":"rsa","jwk":`+jsonOf(own)+`}`, lena, signRS(strangeRSA(), crypto.SHA256)), badSignature, false},
		"a private key that it brings along":      {`{}`, forged(`"jwk":{"kty":"oct","k":"AA"}`), unreadable, true},
		"an address of keys":                      {`{}`, forged(`"jku":"https://evil.test/keys-of-mallory"`), noKey, false},
		"an address of keys beside a known one":   {`{}`, jwtOf(`{"alg":"RS256","kid":"rsa","jku":"https://evil.test/keys-of-mallory"}`, lena, signRS(strangeRSA(), crypto.SHA256)), badSignature, false},
		"an address of certificates":              {`{}`, forged(`"x5u":"https://evil.test/keys-of-mallory"`), noKey, false},
		"certificates that are none":              {`{}`, forged(`"x5c":["AAAA"]`), unreadable, true},
		"an address that a good token names, too": {`{}`, with(`{"alg":"RS256","kid":"rsa","jku":"https://evil.test/keys-of-mallory","x5u":"https://evil.test/keys-of-mallory"}`), "", false},

		"kid twice":                    {`{}`, with(`{"alg":"RS256","kid":"rsa","kid":"rsa"}`), unreadable, true},
		"alg twice":                    {all, with(`{"alg":"none","alg":"RS256","kid":"rsa"}`), unreadable, true},
		"alg twice, escaped":           {all, with(`{"alg":"RS256","\u0061lg":"RS256","kid":"rsa"}`), unreadable, true},
		"a header that is no JSON":     {`{}`, with(`alg=RS256`), unreadable, true},
		"a header that is a list":      {`{}`, with(`["RS256"]`), unreadable, true},
		"a header that is null":        {`{}`, with(`null`), unreadable, true},
		"a header with a NUL":          {`{}`, with("{\"alg\":\"RS256\",\"kid\":\"rsa\"}\x00"), unreadable, true},
		"a header that nests deep":     {`{}`, with(`{"alg":"RS256","kid":"nobody","x":` + strings.Repeat("[", 4000) + strings.Repeat("]", 4000) + `}`), noKey, false},
		"three parts of nothing":       {`{}`, "a.b.c", unreadable, true},
		"empty parts":                  {`{}`, "..", badAlgorithm, true},
		"a NUL in the token":           {`{}`, simple + "\x00", unreadable, true},
		"a NUL in front of it":         {`{}`, "\x00" + simple, unreadable, true},
		"a line break in the token":    {`{}`, simple[:20] + "\n" + simple[20:], unreadable, true},
		"padding":                      {`{}`, simple + "==", unreadable, true},
		"the other alphabet of base64": {`{}`, strings.NewReplacer("-", "+", "_", "/").Replace(simple) + "+/", unreadable, true},
		"a token of the largest size":  {`{}`, sized(maxToken), "", false},
		"a token of one byte more":     {`{}`, sized(maxToken) + "A", "the token has more than 16384 bytes", true},
		"a token of a megabyte":        {`{}`, strings.Repeat("A", 1<<20) + ".A.A", "the token has more than 16384 bytes", true},
	})
}

// judge has each token judged by itself, with all the keys of the issuer on a
// server that should be asked for nothing else.
func judge(t *testing.T, cases map[string]jwtCase) {
	t.Helper()
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, issuerKeys()))
			handler := newVerifier(t, service, test.config, newJWTClock())
			var session pipeline.Session
			err := handler.Authenticate(t.Context(), bearingJWT(strings.ReplaceAll(test.token, "https://evil.test/keys-of-mallory", service.URL+"/evil")), &session)
			if test.reason == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.reason != "" && (!errors.Is(err, pipeline.BadCredential) || pipelinetest.ReasonOf(err) != test.reason) {
				t.Errorf("got %v (%q), want %q", err, pipelinetest.ReasonOf(err), test.reason)
			}
			if err != nil && (session.Subject != "" || pipelinetest.Extra(&session) != nil || session.Withheld.Headers != nil) {
				t.Errorf("a refused token leaves %+v", session)
			}
			asked := service.Asked()
			if test.apart != (len(asked) == 0) {
				t.Errorf("asked for keys: %t", len(asked) > 0)
			}
			for _, question := range asked {
				if question.Target != "/keys" {
					t.Errorf("asked for %s", question.Target)
				}
			}
		})
	}
}
