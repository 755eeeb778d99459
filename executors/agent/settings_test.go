package agent_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/models/field"
)

func TestValidSettings(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"Absent": "", "Null": "null", "Empty": "{}", "NullMembers": `{"proxy":null,"goal":null,"output_schema":null,"max_steps":null}`,
		"All": `{"base_url":"https://agents.example/api","browser_profile":"lite","mode":"default","max_steps":500,
			"proxy":{"enabled":false,"type":"custom","country_code":"DE","url":"socks5://p.example:1080","username":"u","password":"{{secret.proxy}}"},
			"price_per_step_micros":0,"currency":"EUR","goal":"Read {{sku}}","capture_screenshot":true,"use_vault":true,
			"credential_item_ids":["a"],"output_schema":{"type":"object","properties":{"type":{"type":"array","items":{"anyOf":[{"type":"string"}]}}}}}`,
		"TheServicesProxy": `{"proxy":{"enabled":true,"type":"tetra","country_code":"US"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, newExecutor(t, nil).Validate(executors.Spec{
				Instruction: "Read it.", Settings: json.RawMessage(settings), Inputs: []string{"sku"}, Secrets: []string{"api_key", "proxy"}, Fields: wantedFields,
			}))
		})
	}
}

func TestInvalidSettingsNameTheMember(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"type":"array","items":`, 9) + `{"type":"string"}` + strings.Repeat("}", 9)
	for name, test := range map[string]struct {
		settings string
		path     string // of the error
	}{
		"NoObject":              {`[1]`, "settings"},
		"Unknown":               {`{"model":"x"}`, "settings.model"},
		"WrongCase":             {`{"Mode":"strict"}`, "settings.Mode"},
		"BaseURLRelative":       {`{"base_url":"/v1"}`, "settings.base_url"},
		"BaseURLScheme":         {`{"base_url":"ftp://x.example"}`, "settings.base_url"},
		"BaseURLUser":           {`{"base_url":"https://a:b@x.example"}`, "settings.base_url"},
		"BaseURLQuery":          {`{"base_url":"https://x.example/?a=b"}`, "settings.base_url"},
		"BaseURLNumber":         {`{"base_url":1}`, "settings.base_url"},
		"Profile":               {`{"browser_profile":"full"}`, "settings.browser_profile"},
		"Mode":                  {`{"mode":"fast"}`, "settings.mode"},
		"NoSteps":               {`{"max_steps":0}`, "settings.max_steps"},
		"ManySteps":             {`{"max_steps":501}`, "settings.max_steps"},
		"FractionOfSteps":       {`{"max_steps":1.5}`, "settings.max_steps"},
		"NegativePrice":         {`{"price_per_step_micros":-1}`, "settings.price_per_step_micros"},
		"HugePrice":             {`{"price_per_step_micros":1000000001}`, "settings.price_per_step_micros"},
		"Currency":              {`{"currency":"usd"}`, "settings.currency"},
		"GoalBlank":             {`{"goal":" "}`, "settings.goal"},
		"GoalOpen":              {`{"goal":"{{sku"}`, "settings.goal"},
		"GoalColumn":            {`{"goal":"{{colour}}"}`, "settings.goal"},
		"GoalSecret":            {`{"goal":"{{secret.proxy}}"}`, "settings.goal"},
		"Screenshot":            {`{"capture_screenshot":"yes"}`, "settings.capture_screenshot"},
		"CredentialsNoVault":    {`{"credential_item_ids":["a"]}`, "settings.credential_item_ids"},
		"CredentialBlank":       {`{"use_vault":true,"credential_item_ids":[" "]}`, "settings.credential_item_ids"},
		"CredentialNumber":      {`{"use_vault":true,"credential_item_ids":[1]}`, "settings.credential_item_ids"},
		"ProxyNoObject":         {`{"proxy":"x"}`, "settings.proxy"},
		"ProxyUnknown":          {`{"proxy":{"host":"x"}}`, "settings.proxy.host"},
		"ProxyEnabled":          {`{"proxy":{"enabled":1}}`, "settings.proxy.enabled"},
		"ProxyType":             {`{"proxy":{"type":"own"}}`, "settings.proxy.type"},
		"ProxyCountry":          {`{"proxy":{"country_code":"XX"}}`, "settings.proxy.country_code"},
		"ProxyWithoutURL":       {`{"proxy":{"type":"custom"}}`, "settings.proxy.url"},
		"ProxyURLOfTheService":  {`{"proxy":{"type":"tetra","url":"http://p.example"}}`, "settings.proxy.url"},
		"ProxyUserOfTheService": {`{"proxy":{"username":"u"}}`, "settings.proxy.username"},
		"ProxyURLScheme":        {`{"proxy":{"type":"custom","url":"file:///x"}}`, "settings.proxy.url"},
		"ProxyURLUser":          {`{"proxy":{"type":"custom","url":"http://a:b@p.example"}}`, "settings.proxy.url"},
		"ProxyPasswordOpen":     {`{"proxy":{"type":"custom","url":"http://p.example","password":"{{"}}`, "settings.proxy.password"},
		"ProxyPasswordSecret":   {`{"proxy":{"type":"custom","url":"http://p.example","password":"{{secret.gone}}"}}`, "settings.proxy.password"},
		"ProxyUserColumn":       {`{"proxy":{"type":"custom","url":"http://p.example","username":"{{gone}}"}}`, "settings.proxy.username"},
		"SchemaNoObject":        {`{"output_schema":[]}`, "settings.output_schema"},
		"SchemaType":            {`{"output_schema":{"type":"array"}}`, "settings.output_schema"},
		"SchemaAnyOf":           {`{"output_schema":{"type":"object","anyOf":[]}}`, "settings.output_schema"},
		"SchemaKeyword":         {`{"output_schema":{"type":"object","properties":{"a":{"type":"string","pattern":"x"}}}}`, "settings.output_schema"},
		"SchemaKeywordInAnyOf":  {`{"output_schema":{"type":"object","properties":{"a":{"anyOf":[{"$ref":"x"}]}}}}`, "settings.output_schema"},
		"SchemaProperties":      {`{"output_schema":{"type":"object","properties":[]}}`, "settings.output_schema"},
		"SchemaProperty":        {`{"output_schema":{"type":"object","properties":{"a":"string"}}}`, "settings.output_schema"},
		"SchemaDeep":            {`{"output_schema":{"type":"object","properties":{"a":` + deep + `}}}`, "settings.output_schema"},
		"SchemaLarge":           {`{"output_schema":{"type":"object","properties":{"` + strings.Repeat("a", 64<<10) + `":{}}}}`, "settings.output_schema"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireAt(t, test.path, newExecutor(t, nil).Validate(executors.Spec{
				Instruction: "Read it.", Settings: json.RawMessage(test.settings), Inputs: []string{"sku"}, Secrets: []string{"api_key", "proxy"},
			}))
		})
	}
	t.Run("SchemaAsDeepAsItMayBe", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, newExecutor(t, nil).Validate(executors.Spec{
			Instruction: "Read it.", Settings: json.RawMessage(`{"output_schema":` + strings.Replace(deep, "array", "object", 1) + `}`),
		}))
	})
}

// requireAt wants one error, at a path of members.
func requireAt(t *testing.T, path string, err error) {
	t.Helper()
	for member := range strings.SplitSeq(path, ".") {
		var errs validation.Errors
		require.ErrorAs(t, err, &errs)
		require.Len(t, errs, 1, "%v", err)
		require.Contains(t, errs, member)
		err = errs[member]
	}
	require.Error(t, err)
}

func TestWhatBelongsToTheProjectIsChecked(t *testing.T) {
	t.Parallel()
	keyless := func(c *agent.Config) { c.APIKey = "" }
	values := make([]string, 100)
	for i := range values {
		values[i] = strings.Repeat("v", 700)
	}
	for name, test := range map[string]struct {
		spec   executors.Spec
		config func(*agent.Config)
		path   string // of the error; empty when there is none
	}{
		"TheOperatorsKeyWillDo":        {executors.Spec{Instruction: "Read it."}, nil, ""},
		"NoKeyAtAll":                   {executors.Spec{Instruction: "Read it."}, keyless, "secrets.api_key"},
		"AKeyOfItsOwn":                 {executors.Spec{Instruction: "Read it.", Secrets: []string{"api_key"}}, keyless, ""},
		"TheOperatorsKeyStaysAtHome":   {executors.Spec{Instruction: "Read it.", Settings: json.RawMessage(`{"base_url":"https://x.example"}`)}, nil, "secrets.api_key"},
		"NoInstruction":                {executors.Spec{Instruction: "  "}, nil, "instruction"},
		"AGoalInPlaceOfAnInstruction":  {executors.Spec{Settings: json.RawMessage(`{"goal":"Read it."}`)}, nil, ""},
		"AColumnThatIsNotThere":        {executors.Spec{Instruction: "Read {{sku}}.", Inputs: []string{"name"}}, nil, "instruction"},
		"AColumnOfUndeclaredInputs":    {executors.Spec{Instruction: "Read {{sku}}."}, nil, ""},
		"ASecretInTheInstruction":      {executors.Spec{Instruction: "Read {{secret.api_key}}.", Secrets: []string{"api_key"}}, nil, "instruction"},
		"RulesOfExtraction":            {executors.Spec{Instruction: "Read it.", Fields: []field.Field{{Name: "a", Type: field.TypeText}, {Name: "b", Type: field.TypeText, Extract: &field.Extract{CSS: "p"}}}}, nil, "fields.1.extract"},
		"FieldsThatMakeAHugeSchema":    {executors.Spec{Instruction: "Read it.", Fields: []field.Field{{Name: "a", Type: field.TypeEnum, Values: values}}}, nil, "fields"},
		"AnInstructionThatIsNoGoal":    {executors.Spec{Instruction: "{{", Settings: json.RawMessage(`{"goal":"Read it."}`)}, nil, ""},
		"AnInstructionThatIsNotClosed": {executors.Spec{Instruction: "{{"}, nil, "instruction"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changes []func(*agent.Config)
			if test.config != nil {
				changes = append(changes, test.config)
			}
			err := newExecutor(t, nil, changes...).Validate(test.spec)
			if test.path == "" {
				require.NoError(t, err)
				return
			}
			requireAt(t, test.path, err)
		})
	}
}
