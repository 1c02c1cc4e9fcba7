using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Brokkr.Receiver.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>An issuer of tokens on a port of its own, as a Kubernetes API server is one. Its keys and its health are the test's.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    /// <summary>What it calls itself, which is not its address.</summary>
    public const string Name = "https://issuer.test";

    public const string Audience = "eventing.knative.dev/broker/ns/a";

    public const string Sender = "system:serviceaccount:ns:sender";

    private readonly WebApplication _server;
    private readonly ConcurrentQueue<(string Path, string? Authorization)> _requests = new();
    private volatile IReadOnlyList<TestKey> _keys = [];
    private volatile string? _keysAddress;
    private volatile int _status = StatusCodes.Status200OK;

    private TestIssuer(WebApplication server) => _server = server;

    public Uri Address { get; private set; } = null!;

    /// <summary>What the requests so far asked for, and the token they showed.</summary>
    public IReadOnlyList<(string Path, string? Authorization)> Requests => [.. _requests];

    /// <summary>How often the keys were asked for.</summary>
    public int Fetches => _requests.Count(request => request.Path == "/keys");

    /// <summary>The keys that it publishes.</summary>
    public IReadOnlyList<TestKey> Keys
    {
        set => _keys = value;
    }

    /// <summary>Where it says its keys are; its own address by default.</summary>
    public string? KeysAddress
    {
        set => _keysAddress = value;
    }

    /// <summary>What it answers with.</summary>
    public int Status
    {
        set => _status = value;
    }

    /// <summary>Options that lead to it, without what a pod has, and with no pause that a test would notice.</summary>
    public IssuerOptions Options =>
        new()
        {
            Address = Address,
            CaFile = null,
            TokenFile = null,
            RefreshGap = TimeSpan.FromTicks(1),
            LongestPause = TimeSpan.FromMilliseconds(20),
        };

    public static async Task<TestIssuer> StartAsync(params TestKey[] keys) => await StartAsync(null, 0, keys);

    public static async Task<TestIssuer> StartAsync(X509Certificate2? certificate, int port, params TestKey[] keys)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                System.Net.IPAddress.Loopback,
                port,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    if (certificate is not null)
                    {
                        listen.UseHttps(certificate);
                    }
                }
            )
        );
        var server = builder.Build();
        var issuer = new TestIssuer(server) { Keys = keys };
        server.Run(issuer.AnswerAsync);
        await server.StartAsync(TestContext.Current.CancellationToken);
        issuer.Address = new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return issuer;
    }

    /// <summary>The claims of a token that counts, with changes; a value of null takes a claim away.</summary>
    public static JsonObject Claims(params (string Name, JsonNode? Value)[] changes)
    {
        var claims = new JsonObject
        {
            ["iss"] = Name,
            ["aud"] = new JsonArray(Audience, "another"),
            ["sub"] = Sender,
            ["exp"] = Now(3600),
            ["nbf"] = Now(-10),
        };
        foreach (var (name, value) in changes)
        {
            if (value is null)
            {
                claims.Remove(name);
            }
            else
            {
                claims[name] = value;
            }
        }

        return claims;
    }

    /// <summary>A moment some seconds from now, as tokens have it.</summary>
    public static long Now(int seconds = 0) => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + seconds;

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        _requests.Enqueue((path, context.Request.Headers.Authorization.FirstOrDefault()));
        if (_status != StatusCodes.Status200OK)
        {
            context.Response.StatusCode = _status;
            return Task.CompletedTask;
        }

        var document = path switch
        {
            "/.well-known/openid-configuration" => new JsonObject
            {
                ["issuer"] = Name,
                ["jwks_uri"] = _keysAddress ?? new Uri(Address, "/keys").AbsoluteUri,
            },
            "/keys" => new JsonObject { ["keys"] = new JsonArray([.. _keys.Select(key => key.ToJson())]) },
            _ => null,
        };
        if (document is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(document.ToJsonString());
    }
}
