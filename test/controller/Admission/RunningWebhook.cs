using System.Net;
using System.Net.Security;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Controller.Admission;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>The webhook's server on a port of its own, asked over HTTPS as the API server asks.</summary>
internal sealed class RunningWebhook : IAsyncDisposable
{
    private static readonly WebhookOptions Options = new()
    {
        SystemNamespace = "knative-eventing",
        Address = IPAddress.Loopback,
        Port = 0,
    };

    private readonly WebhookCertificate _certificate = WebhookCertificate.Create(Options, TimeProvider.System.GetUtcNow());
    private WebhookServer? _server;

    private RunningWebhook() =>
        Client = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions
                {
                    RemoteCertificateValidationCallback = (_, shown, _, _) =>
                        shown?.GetRawCertDataString() == _certificate.Context.TargetCertificate.GetRawCertDataString(),
                },
            }
        );

    public HttpClient Client { get; }

    public WebhookServer Server => _server!;

    public Uri Address(string path) => new($"https://127.0.0.1:{Server.Port}{path}");

    public static async Task<RunningWebhook> StartAsync(AdmissionSettings? settings = null, ISubscribeAccess? access = null)
    {
        var webhook = new RunningWebhook();
        webhook._server = await WebhookServer.StartAsync(
            Options,
            new AdmissionHandler(() => settings ?? new AdmissionSettings(), access),
            () => webhook._certificate,
            NullLoggerFactory.Instance,
            NullLogger.Instance,
            TestContext.Current.CancellationToken
        );
        return webhook;
    }

    /// <summary>Sends a case: <c>path</c>, <c>operation</c>, <c>object</c>, <c>oldObject</c>, <c>subResource</c>, <c>user</c>.</summary>
    /// <returns>The response of the review.</returns>
    public async Task<JsonObject> ReviewAsync(JsonObject request, string version = "v1")
    {
        var about = (request["object"] ?? request["oldObject"])!;
        var apiVersion = ((string)about["apiVersion"]!).Split('/');
        var review = new JsonObject
        {
            ["apiVersion"] = $"admission.k8s.io/{version}",
            ["kind"] = "AdmissionReview",
            ["request"] = new JsonObject
            {
                ["uid"] = "00000000-0000-0000-0000-000000000001",
                ["kind"] = new JsonObject
                {
                    ["group"] = apiVersion.Length > 1 ? apiVersion[0] : "",
                    ["version"] = apiVersion[^1],
                    ["kind"] = about["kind"]!.DeepClone(),
                },
                ["name"] = about["metadata"]!["name"]?.DeepClone(),
                ["namespace"] = about["metadata"]!["namespace"]?.DeepClone(),
                ["operation"] = (string?)request["operation"] ?? "CREATE",
                ["subResource"] = request["subResource"]?.DeepClone(),
                ["userInfo"] = new JsonObject { ["username"] = (string?)request["user"] ?? "someone@example.com" },
                ["object"] = request["object"]?.DeepClone(),
                ["oldObject"] = request["oldObject"]?.DeepClone(),
            },
        };
        using var content = new StringContent(review.ToJsonString(), Encoding.UTF8);
        content.Headers.ContentType = new("application/json");
        using var answer = await Client.PostAsync(Address((string)request["path"]!), content, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{answer.StatusCode}: {text}");
        var json = JsonNode.Parse(text)!;
        Assert.Equal($"admission.k8s.io/{version}", (string?)json["apiVersion"]);
        Assert.Equal("00000000-0000-0000-0000-000000000001", (string?)json["response"]!["uid"]);
        return json["response"]!.AsObject();
    }

    /// <summary>The object as the API server makes it of the patch.</summary>
    public static JsonObject Patched(JsonObject value, JsonObject response)
    {
        var result = value.DeepClone().AsObject();
        if (response["patch"] is not { } encoded)
        {
            return result;
        }

        Assert.Equal("JSONPatch", (string?)response["patchType"]);
        foreach (var operation in JsonNode.Parse(Convert.FromBase64String((string)encoded!))!.AsArray())
        {
            var parts = ((string)operation!["path"]!).Split('/')[1..].Select(part => part.Replace("~1", "/").Replace("~0", "~")).ToArray();
            JsonNode at = result;
            foreach (var part in parts[..^1])
            {
                at = at is JsonArray list ? list[int.Parse(part)]! : at[part]!;
            }

            var added = operation["value"]?.DeepClone();
            switch (at, (string)operation["op"]!)
            {
                case (JsonArray list, "add") when parts[^1] is "-":
                    list.Add(added);
                    break;
                case (JsonArray list, "replace"):
                    list[int.Parse(parts[^1])] = added;
                    break;
                case (JsonObject json, "remove"):
                    json.Remove(parts[^1]);
                    break;
                case (JsonObject json, "add" or "replace"):
                    json[parts[^1]] = added;
                    break;
                default:
                    Assert.Fail(operation.ToJsonString());
                    break;
            }
        }

        return result;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _certificate.Dispose();
    }
}
