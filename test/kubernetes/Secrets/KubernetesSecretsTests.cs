using System.Text;
using Brokkr.Core.Log;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Secrets;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kubernetes;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Kubernetes.Tests.Secrets;

/// <summary>Secrets of a real API server, with the rights that a service account has, and of a server that misbehaves (receiver-and-core §10).</summary>
public sealed class KubernetesSecretsTests : IDisposable
{
    private readonly TemporaryFolder _account = new();
    private readonly LogLines _log = new();
    private readonly List<ApiConnection> _connections = [];

    public void Dispose()
    {
        _connections.ForEach(static connection => connection.Dispose());
        _account.Dispose();
    }

    [Fact]
    public async Task A_Secret_is_read_and_followed_through_change_deletion_and_return()
    {
        var (api, @namespace) = await ServerAsync("get", "list", "watch");
        await api.PutSecretAsync(@namespace, "login", ("password", "one"));
        await using var secrets = Secrets(api);
        await PasswordAsync(secrets, @namespace, "login", "one");
        await PasswordAsync(secrets, @namespace, "other", null);
        await api.PutSecretAsync(@namespace, "login", ("password", "two"));
        await PasswordAsync(secrets, @namespace, "login", "two");
        await api.DeleteAsync($"/api/v1/namespaces/{@namespace}/secrets/login");
        await PasswordAsync(secrets, @namespace, "login", null);
        await api.PutSecretAsync(@namespace, "login", ("password", "three"));
        await api.PutSecretAsync(@namespace, "other", ("password", "here"));
        await PasswordAsync(secrets, @namespace, "login", "three");
        await PasswordAsync(secrets, @namespace, "other", "here");
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_missing_right_is_named_and_harms_no_other_Secret_until_it_is_granted()
    {
        var (api, @namespace) = await ServerAsync("get", "list", "watch");
        var locked = await api.CreateNamespaceAsync();
        await api.PutSecretAsync(@namespace, "login", ("password", "one"));
        await api.PutSecretAsync(locked, "login", ("password", "two"));
        await using var secrets = Secrets(api);
        var refused = await Assert.ThrowsAsync<LogUnavailableException>(async () => await GetAsync(secrets, locked, "login"));
        Assert.Contains($"Secret {locked}/login cannot be read: the API server answered 403", refused.Message);
        Assert.Contains("cannot get resource \"secrets\"", refused.Message);
        Assert.EndsWith("grant get, list and watch on secrets", refused.Message);
        await PasswordAsync(secrets, @namespace, "login", "one");

        // A token of a service account that may.
        await api.CreateServiceAccountAsync(locked, "plane");
        await api.AllowAsync(locked, "plane", "secrets", "get", "list", "watch");
        _account.Write("token", await api.TokenAsync(locked, "plane"));
        await Eventually.True(
            async () =>
            {
                try
                {
                    return await GetAsync(secrets, locked, "login") is { } entries && Encoding.UTF8.GetString(entries["password"]) == "two";
                }
                catch (LogUnavailableException)
                {
                    return false;
                }
            },
            "the right takes effect"
        );
    }

    [Fact]
    public async Task The_right_to_get_is_enough()
    {
        var (api, @namespace) = await ServerAsync("get");
        await api.PutSecretAsync(@namespace, "login", ("password", "one"));
        await using var secrets = Secrets(api);
        await PasswordAsync(secrets, @namespace, "login", "one");
        await api.PutSecretAsync(@namespace, "login", ("password", "two"));
        await PasswordAsync(secrets, @namespace, "login", "two");
        await api.DeleteAsync($"/api/v1/namespaces/{@namespace}/secrets/login");
        await PasswordAsync(secrets, @namespace, "login", null);
    }

    [Fact]
    public async Task What_a_Secret_held_stays_in_use_while_the_API_server_is_away()
    {
        var port = FreePort.Next();
        ApiConnection connection;
        KubernetesSecrets secrets;
        await using (var server = await Subscriber.StartAsync(port: port))
        {
            server.Otherwise(request =>
                request.Path.EndsWith("/login", StringComparison.Ordinal) ? Json("""{"data":{"password":"b25l"}}""") : Answer.Status(403)
            );
            connection = Connection(new ApiServerOptions { Address = new Uri(server.Url) });
            secrets = new KubernetesSecrets(connection, TimeProvider.System, _log);
            await PasswordAsync(secrets, "ns", "login", "one");
        }

        await PasswordAsync(secrets, "ns", "login", "one");
        await PasswordAsync(secrets, "ns", "login", "one");
        Assert.Single(_log.Lines, static line => line.StartsWith("Secret ns/login cannot be read now", StringComparison.Ordinal));
        var away = await Assert.ThrowsAsync<LogUnavailableException>(async () => await GetAsync(secrets, "ns", "never-seen"));
        Assert.Contains("cannot be reached", away.Message);
        await secrets.DisposeAsync();
    }

    [Fact]
    public async Task A_Secret_that_nobody_asks_for_any_more_is_forgotten()
    {
        await using var server = await Subscriber.StartAsync();
        server.Otherwise(_ => Json("""{"data":{"password":"b25l"}}"""));
        var time = new FakeTimeProvider();
        await using var secrets = new KubernetesSecrets(
            Connection(new ApiServerOptions { Address = new Uri(server.Url) }, time),
            time,
            _log
        );
        await GetAsync(secrets, "ns", "one");
        time.Advance(TimeSpan.FromMinutes(4));
        await GetAsync(secrets, "ns", "two");
        Assert.Equal(2, secrets.Count);
        time.Advance(TimeSpan.FromMinutes(2));
        await GetAsync(secrets, "ns", "two");
        Assert.Equal(1, secrets.Count);
    }

    [Fact]
    public async Task What_is_no_name_is_asked_of_nobody()
    {
        await using var server = await Subscriber.StartAsync();
        await using var secrets = new KubernetesSecrets(
            Connection(new ApiServerOptions { Address = new Uri(server.Url) }),
            TimeProvider.System,
            _log
        );
        Assert.Null(await GetAsync(secrets, "ns", "../configmaps/x"));
        Assert.Null(await GetAsync(secrets, "..", "x"));
        Assert.Null(await GetAsync(secrets, "", "x"));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Keys_of_RequestReplies_are_there_for_the_first_event_and_change_with_the_Secret()
    {
        var (api, @namespace) = await ServerAsync("get", "list", "watch");
        await api.PutSecretAsync(@namespace, "keys", ("password", "one"));
        await using var secrets = Secrets(api);
        var keys = new KubernetesCorrelationKeys(secrets, @namespace, _log);
        Assert.Equal("one", Password(keys.Of("keys")));
        await api.PutSecretAsync(@namespace, "keys", ("password", "two"));
        await Eventually.True(() => Password(keys.Of("keys")) == "two", "the new key");
        Assert.Empty(_log.Lines);
        Assert.Null(keys.Of("absent"));
        Assert.Null(keys.Of("absent"));
        Assert.Null(keys.Of("../keys"));
        Assert.Equal(
            $"Secret {@namespace}/absent, which a filter verifies correlation ids with, cannot be used: it does not exist",
            Assert.Single(_log.Lines)
        );
    }

    private static string? Password(IReadOnlyDictionary<string, byte[]>? entries) =>
        entries is null ? null : Encoding.UTF8.GetString(entries["password"]);

    private static Answer Json(string text) =>
        Answer.Ok with
        {
            Headers = [("content-type", "application/json")],
            Body = Encoding.UTF8.GetBytes(text),
        };

    private static async Task<IReadOnlyDictionary<string, byte[]>?> GetAsync(KubernetesSecrets secrets, string @namespace, string name) =>
        await secrets.GetAsync(@namespace, name, TestContext.Current.CancellationToken);

    private static Task PasswordAsync(KubernetesSecrets secrets, string @namespace, string name, string? expected) =>
        Eventually.True(
            async () => Password(await GetAsync(secrets, @namespace, name)) == expected,
            () => $"the password {expected ?? "to be gone"} in {name}"
        );

    private async Task<(ApiServer Api, string Namespace)> ServerAsync(params IEnumerable<string> verbs)
    {
        var api = await ApiServer.SharedAsync();
        var @namespace = await api.CreateNamespaceAsync();
        await api.CreateServiceAccountAsync(@namespace, "plane");
        await api.AllowAsync(@namespace, "plane", "secrets", verbs);
        await api.WriteAccountAsync(_account, @namespace, "plane");

        // The server learns of a right a little later.
        var connection = Connection(
            ApiServerOptions.InPod(api.Host, int.Parse(api.Port, System.Globalization.CultureInfo.InvariantCulture), _account.Path)
        );
        await Eventually.True(
            async () =>
                (
                    await connection.SendAsync(
                        HttpMethod.Get,
                        $"api/v1/namespaces/{@namespace}/secrets/none",
                        null,
                        ApiJson.Default.SecretObject,
                        TestContext.Current.CancellationToken
                    )
                )
                    .Problem
                    ?.Status == ApiProblem.NotFound,
            "the rights take effect"
        );
        return (api, @namespace);
    }

    private KubernetesSecrets Secrets(ApiServer api) =>
        new(
            Connection(
                ApiServerOptions.InPod(api.Host, int.Parse(api.Port, System.Globalization.CultureInfo.InvariantCulture), _account.Path)
            ),
            TimeProvider.System,
            _log
        );

    private ApiConnection Connection(ApiServerOptions options, TimeProvider? time = null)
    {
        var connection = new ApiConnection(options, time ?? TimeProvider.System);
        _connections.Add(connection);
        return connection;
    }
}
