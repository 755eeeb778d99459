package extract

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPagesThatRefuseOrTestAreBlocked(t *testing.T) {
	t.Parallel()

	for name, page := range map[string]string{
		"CloudflareChallenge": `<title>Just a moment...</title><script>window._cf_chl_opt={}</script><noscript>Enable JavaScript and cookies to continue</noscript>`,
		"CloudflareBlock":     `<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1><div id="cf-error-details"></div>`,
		"PerimeterX":          `<title>shop.example</title><div id="px-captcha"></div><p>Press &amp; Hold to confirm you are a human (and not a bot).</p>`,
		"DataDome":            `<title>shop.example</title><script src="https://ct.captcha-delivery.com/c.js"></script><noscript>Please enable JS</noscript>`,
		"Incapsula":           `<iframe src="/_Incapsula_Resource?x=1">Request unsuccessful. Incapsula incident ID: 1-2</iframe>`,
		"AkamaiDenied":        `<TITLE>Access Denied</TITLE><H1>Access Denied</H1>You don't have permission to access "http://x/" on this server.<P>Reference #18.5`,
		"RobotCheck":          `<title>Robot Check</title><p>Enter the characters you see below</p><input name="field-keywords">`,
		"Interruption":        `<title>Pardon Our Interruption</title><p>As you were browsing, something about your browser made us think you might be a bot.</p>`,
		"PlainForbidden":      `<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center><hr>nginx</body></html>`,
		"ForbiddenAlone":      `<title>Forbidden</title><p>nginx</p>`,
		"CaptchaAlone":        `<title>shop</title><form><div class="g-recaptcha" data-sitekey="x"></div><input type="submit"></form>`,
		"PhraseInGerman":      `<title>Einen Moment</title><p>Bitte bestätigen Sie, dass Sie kein Roboter sind.</p>`,
		"PhraseInRussian":     `<title>Ой!</title><p>Подтвердите, что запросы отправляли вы, а не робот</p>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, blockedBy(t, readPage(t, page)))
		})
	}
}

func TestPagesWithContentAreNotBlocked(t *testing.T) {
	t.Parallel()

	for name, page := range map[string]string{
		"GuardScriptOnAProduct": fullProduct + `<script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script><script>window._pxAppId="x";var kpsdk=1</script>`,
		"ProductOfThatName":     `<title>Forbidden Planet (DVD) | Shop</title><h1>Forbidden Planet</h1><p>9,99 €</p>`,
		"BookOfThatName":        `<title>Just a Moment - A Novel | Shop</title><h1>Just a Moment: A Novel</h1><p class="price">9,99 €</p>` + strings.Repeat("<p>A long description of the book.</p>", 60),
		"ContactWithCaptcha":    `<title>Contact</title><form><input name="name"><input name="email"><textarea></textarea><div class="g-recaptcha"></div></form>`,
		"ArticleAboutBlocks":    `<title>How to fix it</title><h1>How to fix it</h1>` + strings.Repeat("<p>When a site says access denied, check your browser.</p>", 100),
		"OfferWithThatPhrase":   `<title>Blue Lamp</title><p>Are you a robot?</p>` + script(`{"@type":"Product","name":"Blue Lamp","offers":{"price":5}}`),
		"ShortPage":             `<title>Hello</title><p>World</p>`,
		"Empty":                 ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, blockedBy(t, readPage(t, page)))
		})
	}
}

func TestAnswersThatAreNoHTMLCanBeBlocked(t *testing.T) {
	t.Parallel()

	blocked := func(contentType, body string) string {
		page, err := New(t.Context(), []byte(body), contentType, &url.URL{})
		require.NoError(t, err)
		return blockedBy(t, page)
	}
	require.NotEmpty(t, blocked("text/plain", "Access denied"))
	require.NotEmpty(t, blocked("application/json", `{"url":"https://geo.captcha-delivery.com/captcha/?x"}`))
	require.Empty(t, blocked("application/json", `{"message":"access denied is a phrase"}`))
	require.Empty(t, blocked("text/plain", "hello"))
}
