using System.Text.Json;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Core.Contract;

/// <summary>
/// Reads a contract from the JSON form of <c>contract.proto</c> as leniently as the original does (receiver-and-core §3.2): unknown members are
/// ignored, null is absent, integers may be text or whole fractions, unknown enum values are the default, and text after the first JSON value is ignored.
/// Written by hand, because protobuf's own reader is stricter in some of these and works by reflection.
/// </summary>
internal static class ContractJson
{
    /// <summary>As deep as protobuf itself goes: filters nest.</summary>
    private const int MaxDepth = 200;

    /// <summary>Reads a contract.</summary>
    /// <exception cref="ContractFormatException">The text is no contract; the message says where and why.</exception>
    public static Wire.Contract Read(ReadOnlySpan<byte> json)
    {
        JsonDocument document;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            document = JsonDocument.ParseValue(ref reader);
        }
        catch (JsonException e)
        {
            throw new ContractFormatException($"line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: not valid JSON", e);
        }

        using (document)
        {
            return Contract(new JsonNodeReader(document.RootElement, "the contract"));
        }
    }

    private static Wire.Contract Contract(JsonNodeReader json)
    {
        json.ExpectObject();
        var contract = new Wire.Contract { Generation = json.UInt64("generation") };
        json.Each("resources", contract.Resources, Resource);
        json.Texts("trustBundles", contract.TrustBundles);
        return contract;
    }

    private static Resource Resource(JsonNodeReader json)
    {
        var resource = new Resource
        {
            Uid = json.Text("uid"),
            BootstrapServers = json.Text("bootstrapServers"),
            Ingress = json.Child("ingress", Ingress),
            EgressConfig = json.Child("egressConfig", EgressConfig),
            CloudEventOverrides = json.Child("cloudEventOverrides", Overrides),
            Reference = json.Child("reference", Reference),
            FeatureFlags = json.Child(
                "featureFlags",
                o => new FeatureFlags { EnableEventTypeAutocreate = o.Flag("enableEventTypeAutocreate") }
            ),
        };
        json.Texts("topics", resource.Topics);
        json.Each("egresses", resource.Egresses, Egress);
        switch (json.OneOf("absentAuth", "authSecret", "multiAuthSecret"))
        {
            case "absentAuth":
                resource.AbsentAuth = json.Child("absentAuth", Empty);
                break;
            case "authSecret":
                resource.AuthSecret = json.Child("authSecret", Reference);
                break;
            case "multiAuthSecret":
                resource.MultiAuthSecret = json.Child("multiAuthSecret", MultiSecretReference);
                break;
        }

        return resource;
    }

    private static Ingress Ingress(JsonNodeReader json)
    {
        var ingress = new Ingress
        {
            ContentMode = json.Name("contentMode") switch
            {
                "STRUCTURED" or "1" => ContentMode.Structured,
                _ => ContentMode.Binary,
            },
            Path = json.Text("path"),
            Host = json.Text("host"),
            Audience = json.Text("audience"),
        };
        json.Each("eventPolicies", ingress.EventPolicies, EventPolicy);
        return ingress;
    }

    private static EventPolicy EventPolicy(JsonNodeReader json)
    {
        var policy = new EventPolicy();
        json.Each("tokenMatchers", policy.TokenMatchers, TokenMatcher);
        json.Each("filters", policy.Filters, Filter);
        return policy;
    }

    private static TokenMatcher TokenMatcher(JsonNodeReader json) =>
        json.OneOf("exact", "prefix") switch
        {
            "exact" => new TokenMatcher { Exact = json.Child("exact", Exact) },
            "prefix" => new TokenMatcher { Prefix = json.Child("prefix", Prefix) },
            _ => new TokenMatcher(),
        };

    private static DialectedFilter Filter(JsonNodeReader json) =>
        json.OneOf("exact", "prefix", "suffix", "all", "any", "not", "cesql") switch
        {
            "exact" => new DialectedFilter { Exact = json.Child("exact", Exact) },
            "prefix" => new DialectedFilter { Prefix = json.Child("prefix", Prefix) },
            "suffix" => new DialectedFilter { Suffix = json.Child("suffix", Suffix) },
            "all" => new DialectedFilter { All = json.Child("all", All) },
            "any" => new DialectedFilter { Any = json.Child("any", Any) },
            "not" => new DialectedFilter { Not = json.Child("not", o => new Not { Filter = o.Child("filter", Filter) }) },
            "cesql" => new DialectedFilter { Cesql = json.Child("cesql", o => new CESQL { Expression = o.Text("expression") }) },
            _ => new DialectedFilter(),
        };

    private static Exact Exact(JsonNodeReader json)
    {
        var filter = new Exact();
        json.Map("attributes", filter.Attributes);
        return filter;
    }

    private static Prefix Prefix(JsonNodeReader json)
    {
        var filter = new Prefix();
        json.Map("attributes", filter.Attributes);
        return filter;
    }

    private static Suffix Suffix(JsonNodeReader json)
    {
        var filter = new Suffix();
        json.Map("attributes", filter.Attributes);
        return filter;
    }

    private static All All(JsonNodeReader json)
    {
        var filter = new All();
        json.Each("filters", filter.Filters, Filter);
        return filter;
    }

    private static Any Any(JsonNodeReader json)
    {
        var filter = new Any();
        json.Each("filters", filter.Filters, Filter);
        return filter;
    }

    private static Egress Egress(JsonNodeReader json)
    {
        var egress = new Egress
        {
            ConsumerGroup = json.Text("consumerGroup"),
            Destination = json.Text("destination"),
            DestinationCACerts = json.Text("destinationCACerts"),
            DestinationAudience = json.Text("destinationAudience"),
            ReplyUrlCACerts = json.Text("replyUrlCACerts"),
            ReplyUrlAudience = json.Text("replyUrlAudience"),
            Filter = json.Child("filter", AttributeFilter),
            Uid = json.Text("uid"),
            EgressConfig = json.Child("egressConfig", EgressConfig),
            DeliveryOrder = json.Name("deliveryOrder") switch
            {
                "ORDERED" or "1" => DeliveryOrder.Ordered,
                _ => DeliveryOrder.Unordered,
            },
            KeyType = json.Name("keyType") switch
            {
                "Integer" or "1" => KeyType.Integer,
                "Double" or "2" => KeyType.Double,
                "ByteArray" or "3" => KeyType.ByteArray,
                _ => KeyType.String,
            },
            Reference = json.Child("reference", Reference),
            VReplicas = json.Int32("vReplicas"),
            FeatureFlags = json.Child(
                "featureFlags",
                o => new EgressFeatureFlags
                {
                    EnableRateLimiter = o.Flag("enableRateLimiter"),
                    EnableOrderedExecutorMetrics = o.Flag("enableOrderedExecutorMetrics"),
                }
            ),
            OidcServiceAccountName = json.Text("oidcServiceAccountName"),
        };
        json.Each("dialectedFilter", egress.DialectedFilter, Filter);
        switch (json.OneOf("replyUrl", "replyToOriginalTopic", "discardReply"))
        {
            case "replyUrl":
                egress.ReplyUrl = json.Text("replyUrl");
                break;
            case "replyToOriginalTopic":
                egress.ReplyToOriginalTopic = json.Child("replyToOriginalTopic", Empty);
                break;
            case "discardReply":
                egress.DiscardReply = json.Child("discardReply", Empty);
                break;
        }

        return egress;
    }

    private static Filter AttributeFilter(JsonNodeReader json)
    {
        var filter = new Filter();
        json.Map("attributes", filter.Attributes);
        return filter;
    }

    private static EgressConfig EgressConfig(JsonNodeReader json)
    {
        var config = new EgressConfig
        {
            DeadLetter = json.Text("deadLetter"),
            DeadLetterCACerts = json.Text("deadLetterCACerts"),
            DeadLetterAudience = json.Text("deadLetterAudience"),
            Retry = json.UInt32("retry"),
            BackoffPolicy = json.Name("backoffPolicy") switch
            {
                "Linear" or "1" => BackoffPolicy.Linear,
                _ => BackoffPolicy.Exponential,
            },
            BackoffDelay = json.UInt64("backoffDelay"),
            Timeout = json.UInt64("timeout"),
            Format = json.Text("format"),
        };
        if (json.Has("retryAfterMax"))
        {
            config.RetryAfterMax = json.UInt64("retryAfterMax");
        }

        return config;
    }

    private static Reference Reference(JsonNodeReader json) =>
        new()
        {
            Uuid = json.Text("uuid"),
            Namespace = json.Text("namespace"),
            Name = json.Text("name"),
            Version = json.Text("version"),
            Kind = json.Text("kind"),
            GroupVersion = json.Text("groupVersion"),
        };

    private static MultiSecretReference MultiSecretReference(JsonNodeReader json)
    {
        var secrets = new MultiSecretReference
        {
            Protocol = json.Name("protocol") switch
            {
                "SASL_PLAINTEXT" or "1" => Protocol.SaslPlaintext,
                "SSL" or "2" => Protocol.Ssl,
                "SASL_SSL" or "3" => Protocol.SaslSsl,
                _ => Protocol.Plaintext,
            },
        };
        json.Each("references", secrets.References, SecretReference);
        return secrets;
    }

    private static SecretReference SecretReference(JsonNodeReader json)
    {
        var secret = new SecretReference { Reference = json.Child("reference", Reference) };
        json.Each("keyFieldReferences", secret.KeyFieldReferences, KeyFieldReference);
        return secret;
    }

    private static KeyFieldReference KeyFieldReference(JsonNodeReader json) =>
        new()
        {
            SecretKey = json.Text("secretKey"),
            Field = json.Name("field") switch
            {
                "CA_CRT" or "1" => SecretField.CaCrt,
                "USER_CRT" or "2" => SecretField.UserCrt,
                "USER_KEY" or "3" => SecretField.UserKey,
                "USER" or "4" => SecretField.User,
                "PASSWORD" or "5" => SecretField.Password,
                "TYPE" or "6" => SecretField.Type,
                "TOKEN_PROVIDER" or "7" => SecretField.TokenProvider,
                "ROLE_ARN" or "8" => SecretField.RoleArn,
                _ => SecretField.SaslMechanism,
            },
        };

    private static CloudEventOverrides Overrides(JsonNodeReader json)
    {
        var overrides = new CloudEventOverrides();
        json.Map("extensions", overrides.Extensions);
        return overrides;
    }

    private static Empty Empty(JsonNodeReader json) => new();
}
