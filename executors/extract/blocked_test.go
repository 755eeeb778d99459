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
		"CloudflareRate":      `<title>shop.example</title><div id="cf-error-details"><h1>Error 1015</h1><h2>You are being rate limited</h2></div>`,
		"CloudflareInGerman":  `<title>Nur einen Moment…</title><script>window._cf_chl_opt={cType:'managed'}</script><noscript>JavaScript einschalten</noscript>`,
		"Turnstile":           `<title>shop.example</title><h1>One more check</h1><div class="cf-turnstile" data-sitekey="x"></div>`,
		"DataDomeScript":      `<title>shop.example</title><p id="cmsg">Please enable JS and disable any ad blocker</p><script>var dd={'rt':'c','host':'geo.captcha-delivery.com'}</script>`,
		"PerimeterXDenied":    `<title>Access to this page has been denied</title><script>window._pxAppId='PX1'</script><p>Please verify you’re a human to continue.</p>`,
		"HumanOrRobot":        `<title>Robot or human?</title><p>Activate and hold the button to confirm that you’re human. Thank You!</p>`,
		"AkamaiInterstitial":  `<title></title><meta http-equiv="refresh" content="5; URL='/p?bm-verify=AAQ'"><p>&nbsp;</p>`,
		"ImpervaInterruption": `<title>shop.example</title><script>window.onProtectionInitialized=function(p){}</script><p>Additional security check is required</p>`,
		"Sorry":               `<title>https://www.search.example/s?q=lamp</title><form><div id="recaptcha" class="g-recaptcha"></div></form><p>Our systems have detected unusual traffic from your computer network. This page checks to see if it's really you.</p>`,
		"ContinueShopping":    `<title>shop.example</title><h4>Click the button below to continue shopping</h4><button>Continue shopping</button>`,
		"SupportID":           `<title>shop.example</title><p>Please enable JavaScript to view the page content.<br>Your support ID is: 123.</p>`,
		"Checkpoint":          `<title>Vercel Security Checkpoint</title><p>We're verifying your browser</p>`,
		"SlideInterception":   `<title>Captcha Interception</title><script src="/_____tmd_____/punish.js"></script>`,
		"Wordfence":           `<title>shop.example</title><h1>Your access to this site has been limited by the site owner</h1><p>HTTP response code 503</p>`,
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
		"NewsletterCaptcha":     `<title>Blue Lamp | Shop</title><h1>Blue Lamp</h1><span>19,50 €</span><button>In den Warenkorb</button><form><input type="email" name="email"><div class="g-recaptcha"></div></form><p>This site is protected by reCAPTCHA and the Google Privacy Policy and Terms of Service apply.</p>`,
		"InvisibleCaptcha":      `<title>Blue Lamp | Shop</title><h1>Blue Lamp</h1><span class="price">€ 19,50</span><button>Add to cart</button><div class="g-recaptcha" data-size="invisible"></div>`,
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

func TestTextsThatTellOfARefusal(t *testing.T) {
	t.Parallel()

	for _, text := range []string{
		"Access denied", "Access  Denied.", "I could not read the price: the page showed a CAPTCHA.",
		"The site blocked my access (HTTP 403).", "Blocked by Cloudflare's challenge", "The request was blocked by bot detection",
		"Couldn't pass the captcha", "Please verify you’re human", "Zugriff verweigert", "Error 403 Forbidden",
		"There was no captcha at first, but then a captcha came up",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, BlockedText(text))
		})
	}
	for _, text := range []string{
		"", "Blue Lamp, 19.50 EUR, in stock", "No product of that name was found", "There was no captcha", "Found without any captcha: 19.50",
		"After solving the captcha: 19.50", "The price is shown after login", strings.Repeat("a long text about the captcha ", 60),
	} {
		t.Run("Not "+text, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, BlockedText(text))
		})
	}
}
