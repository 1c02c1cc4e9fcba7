using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Admission;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>The certificate of the webhook and its registration (control-plane §13).</summary>
public sealed class WebhookKeeperTests
{
    private static readonly WebhookOptions Options = new() { SystemNamespace = "knative-eventing" };
    private static readonly ObjectKey SecretKey = new("", "Secret", "knative-eventing", "kafka-webhook-eventing-certs");

    private static readonly ObjectKey Validation = new(
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        "",
        "validation.webhook.kafka.eventing.knative.dev"
    );

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 7, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly RememberedStore _store = new();

    public WebhookKeeperTests() => _store[SecretKey] = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject() } };

    [Fact]
    public async Task Certificate_is_made_once_with_the_names_of_the_service()
    {
        var keeper = Keeper();
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        var shown = keeper.Certificate!;
        using var certificate = X509Certificate2.CreateFromPem(Entry("server-cert.pem"), Entry("server-key.pem"));
        using var authority = X509Certificate2.CreateFromPem(Entry("ca-cert.pem"));
        Assert.Equal(shown.CertificatePem, Entry("server-cert.pem"));
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----", Entry("server-key.pem"), StringComparison.Ordinal);
        using var key = certificate.GetECDsaPrivateKey()!;
        Assert.Equal("1.2.840.10045.3.1.7", key.ExportParameters(false).Curve.Oid.Value); // P-256
        Assert.Equal("O=knative.dev, CN=kafka-webhook-eventing.knative-eventing.svc", certificate.Subject);
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        Assert.Equal(
            [
                "kafka-webhook-eventing",
                "kafka-webhook-eventing.knative-eventing",
                "kafka-webhook-eventing.knative-eventing.svc",
                "kafka-webhook-eventing.knative-eventing.svc.cluster.local",
            ],
            names.EnumerateDnsNames()
        );
        Assert.Equal(_time.GetUtcNow().AddDays(7), shown.Expires);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        Assert.True(chain.Build(certificate));

        var writes = _store.Writes;
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        var other = Keeper();
        await other.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(writes, _store.Writes);
        Assert.True(other.Certificate!.Is(shown));
    }

    [Fact]
    public async Task Certificate_is_replaced_a_day_before_its_end_and_both_authorities_are_trusted_meanwhile()
    {
        _store[Validation] = Configuration();
        var keeper = Keeper();
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        var first = keeper.Certificate!;
        Assert.Equal([first.AuthorityPem.Trim()], Bundle());

        _time.Advance(TimeSpan.FromDays(6) - TimeSpan.FromMinutes(1));
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        Assert.True(keeper.Certificate!.Is(first));

        _time.Advance(TimeSpan.FromMinutes(2));
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        var second = keeper.Certificate!;
        Assert.False(second.Is(first));
        Assert.Equal([second.AuthorityPem.Trim(), first.AuthorityPem.Trim()], Bundle());

        _time.Advance(TimeSpan.FromDays(2));
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal([second.AuthorityPem.Trim()], Bundle());
    }

    [Fact]
    public async Task New_certificate_is_shown_only_once_its_authority_is_registered()
    {
        _store[Validation] = Configuration();
        var keeper = Keeper();
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        var first = keeper.Certificate!;
        _store.Writing = key =>
        {
            if (key == Validation)
            {
                throw new StoreException(StoreFailure.Unavailable, "away");
            }
        };
        _time.Advance(TimeSpan.FromDays(6.25));
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        Assert.True(keeper.Certificate!.Is(first));

        _store.Writing = _ => { };
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Entry("server-cert.pem"), keeper.Certificate!.CertificatePem);
        Assert.False(keeper.Certificate.Is(first));
    }

    [Fact]
    public async Task New_certificate_that_cannot_be_registered_is_shown_before_the_old_one_ends()
    {
        _store[Validation] = Configuration();
        var keeper = Keeper();
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        _store.Writing = key =>
        {
            if (key == Validation)
            {
                throw new StoreException(StoreFailure.Forbidden, "not allowed");
            }
        };
        _time.Advance(TimeSpan.FromDays(6.75));
        await keeper.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Entry("server-cert.pem"), keeper.Certificate!.CertificatePem);
    }

    [Theory]
    [InlineData("server-key.pem", null)]
    [InlineData("ca-cert.pem", null)]
    [InlineData("server-cert.pem", "nonsense")]
    [InlineData("server-key.pem", "other")]
    public async Task Secret_that_is_of_no_use_is_filled_anew(string entry, string? value)
    {
        await Keeper().CheckAsync(TestContext.Current.CancellationToken);
        var before = Entry("server-cert.pem");
        var secret = _store[SecretKey].DeepClone().AsObject();
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        secret["data"]![entry] = value is null
            ? null
            : Convert.ToBase64String(Encoding.UTF8.GetBytes(value is "other" ? other.ExportPkcs8PrivateKeyPem() : value));
        if (value is null)
        {
            secret["data"]!.AsObject().Remove(entry);
        }

        _store[SecretKey] = secret;
        await Keeper().CheckAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(before, Entry("server-cert.pem"));
    }

    [Fact]
    public async Task Of_two_replicas_that_make_one_at_the_same_time_one_gives_way()
    {
        var first = Keeper();
        var second = Keeper();
        var once = true;
        _store.Writing = key =>
        {
            if (key == SecretKey && once)
            {
                once = false;
                second.CheckAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
            }
        };
        var conflict = await Assert.ThrowsAsync<StoreException>(() => first.CheckAsync(TestContext.Current.CancellationToken));
        Assert.Equal(StoreFailure.Conflict, conflict.Failure);
        await first.CheckAsync(TestContext.Current.CancellationToken);
        Assert.True(first.Certificate!.Is(second.Certificate));
    }

    [Fact]
    public async Task Missing_secret_is_made()
    {
        var store = new RememberedStore();
        await new WebhookKeeper(Options, store, _time, NullLogger.Instance).CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, store[SecretKey]["data"]!.AsObject().Count);
    }

    /// <summary>What the installer decides stays; no rule is about a status (control-plane §18 item 18).</summary>
    [Fact]
    public async Task Registration_keeps_what_the_installer_decides()
    {
        _store[Validation] = Configuration();
        await Keeper().CheckAsync(TestContext.Current.CancellationToken);
        var webhooks = _store[Validation]["webhooks"]!.AsArray();
        var ours = webhooks[0]!;
        ours["clientConfig"]!.AsObject().Remove("caBundle");
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(
                    """
                    {
                      "name": "validation.webhook.kafka.eventing.knative.dev", "failurePolicy": "Fail", "timeoutSeconds": 7, "sideEffects": "None",
                      "clientConfig": {"service": {"name": "kafka-webhook-eventing", "namespace": "knative-eventing", "path": "/resource-validation"}},
                      "namespaceSelector": {
                        "matchLabels": {"a": "b"}, "matchExpressions": [{"key": "webhooks.knative.dev/exclude", "operator": "DoesNotExist"}]
                      },
                      "rules": [
                        {
                          "apiGroups": ["eventing.knative.dev"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                          "resources": ["brokers"], "scope": "*"
                        },
                        {
                          "apiGroups": ["eventing.knative.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"],
                          "resources": ["kafkasinks"], "scope": "*"
                        }
                      ]
                    }
                    """
                ),
                ours
            ),
            ours.ToJsonString()
        );
        Assert.Equal("""{"name":"somebody.else"}""", webhooks[1]!.ToJsonString());
        Assert.Equal("triggers.validation.webhook.kafka.eventing.knative.dev", (string?)webhooks[2]!["name"]);
        Assert.Equal("Ignore", (string?)webhooks[2]!["failurePolicy"]);
        var rules = WebhookRegistration.Configurations.SelectMany(configuration => configuration.Entries).SelectMany(entry => entry.Rules);
        Assert.DoesNotContain(rules, rule => rule.Resource.Contains('/', StringComparison.Ordinal) || rule.Resource is "*");
        Assert.Equal(
            ["CREATE"],
            WebhookRegistration.Configurations.Single(configuration => configuration.Name.StartsWith("pods.")).Entries[0].Operations
        );
    }

    private WebhookKeeper Keeper() => new(Options, _store, _time, NullLogger.Instance);

    private string Entry(string name) => Encoding.UTF8.GetString(Convert.FromBase64String((string)_store[SecretKey]["data"]![name]!));

    private string[] Bundle()
    {
        var bundle = new X509Certificate2Collection();
        var text = (string)_store[Validation]["webhooks"]![0]!["clientConfig"]!["caBundle"]!;
        bundle.ImportFromPem(Encoding.UTF8.GetString(Convert.FromBase64String(text)));
        return [.. bundle.Select(certificate => certificate.ExportCertificatePem())];
    }

    private static JsonObject Configuration() =>
        JsonNode
            .Parse(
                """
                {
                  "webhooks": [
                    {
                      "name": "validation.webhook.kafka.eventing.knative.dev", "failurePolicy": "Fail", "timeoutSeconds": 7, "sideEffects": "None",
                      "clientConfig": {"service": {"name": "kafka-webhook-eventing", "namespace": "knative-eventing"}},
                      "namespaceSelector": {"matchLabels": {"a": "b"}}
                    },
                    {"name": "somebody.else"}
                  ]
                }
                """
            )!
            .AsObject();
}
