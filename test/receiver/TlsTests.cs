using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Receiver.Tls;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>HTTPS beside HTTP, with a certificate that comes, changes and goes (receiver-and-core §16, §18.23).</summary>
public sealed class TlsTests
{
    private static readonly DateTimeOffset Today = TimeProvider.System.GetUtcNow();

    [Fact]
    public async Task With_a_certificate_at_the_start_events_are_taken_over_HTTPS_and_HTTP()
    {
        using var folder = new TemporaryFolder();
        using var certificate = Certificate();
        Write(folder, certificate);
        await using var receiver = await StartAsync(Options(folder), Broker("br"));
        using var client = Client(certificate);
        using var answer = await client.SendAsync(Event(receiver), TestContext.Current.CancellationToken);
        Assert.Equal(202, (int)answer.StatusCode);
        Assert.Equal(new Version(1, 1), answer.Version);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
        Assert.Equal(2, (await receiver.RecordsAsync("t-br")).Count);
    }

    [Fact]
    public async Task HTTP_2_is_there_for_those_who_ask_if_it_is_on()
    {
        using var folder = new TemporaryFolder();
        using var certificate = Certificate();
        Write(folder, certificate);
        var options = Options(folder);
        await using var receiver = await StartAsync(options with { Tls = options.Tls! with { Http2 = true } }, Broker("br"));
        using var client = Client(certificate);
        using var request = Event(receiver);
        request.Version = new Version(2, 0);
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(202, (int)answer.StatusCode);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
    }

    [Fact]
    public async Task A_certificate_may_come_later_change_while_a_connection_goes_on_and_go()
    {
        using var folder = new TemporaryFolder();
        using var first = Certificate();
        using var second = Certificate();
        await using var receiver = await StartAsync(Options(folder), Broker("br"));
        Assert.Equal(0, receiver.Host.TlsPort);
        Write(folder, first);
        await Eventually.True(() => receiver.Host.TlsPort != 0, "HTTPS is there");
        using var old = Client(first);
        using (var answer = await old.SendAsync(Event(receiver), TestContext.Current.CancellationToken))
        {
            Assert.Equal(202, (int)answer.StatusCode);
        }

        Write(folder, second);
        await Eventually.True(async () => await IsTrustedAsync(receiver, second), "the second certificate");
        Assert.False(await IsTrustedAsync(receiver, first));
        using (var answer = await old.SendAsync(Event(receiver), TestContext.Current.CancellationToken))
        {
            Assert.Equal(202, (int)answer.StatusCode);
        }

        File.Delete(Path.Combine(folder.Path, "tls.crt"));
        await Eventually.True(() => receiver.Host.TlsPort == 0, "HTTPS has gone");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
    }

    [Fact]
    public async Task Files_that_are_no_pair_leave_the_last_one_in_force()
    {
        using var folder = new TemporaryFolder();
        using var first = Certificate();
        using var second = Certificate();
        Write(folder, first);
        await using var receiver = await StartAsync(Options(folder), Broker("br"));
        await File.WriteAllTextAsync(
            Path.Combine(folder.Path, "tls.crt"),
            second.ExportCertificatePem(),
            TestContext.Current.CancellationToken
        );
        Assert.True(await IsTrustedAsync(receiver, first));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "tls.key"), "no key", TestContext.Current.CancellationToken);
        Assert.True(await IsTrustedAsync(receiver, first));
        Write(folder, second);
        await Eventually.True(async () => await IsTrustedAsync(receiver, second), "the second certificate");
    }

    [Fact]
    public async Task The_folder_itself_may_come_later_as_a_mounted_Secret_does()
    {
        using var folder = new TemporaryFolder();
        using var certificate = Certificate();
        var secret = Path.Combine(folder.Path, "secret");
        var options = Options(folder);
        await using var receiver = await StartAsync(
            options with
            {
                Tls = options.Tls! with { Folder = secret, RereadInterval = TimeSpan.FromMilliseconds(50) },
            },
            Broker("br")
        );
        var data = Directory.CreateDirectory(Path.Combine(folder.Path, "data"));
        Write(data.FullName, certificate);
        Directory.CreateSymbolicLink(secret, data.FullName);
        await Eventually.True(() => receiver.Host.TlsPort != 0, "HTTPS is there");
        Assert.True(await IsTrustedAsync(receiver, certificate));
    }

    [Fact]
    public async Task Strict_closes_HTTP_but_for_the_probes_of_the_kubelet()
    {
        using var folder = new TemporaryFolder();
        using var certificate = Certificate();
        Write(folder, certificate);
        await using var receiver = await StartAsync(Options(folder) with { RequireTls = true }, Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).IsProblem(403, "https-required");
        (await RawClient.OnceAsync(receiver.Port, "GET /ns/br HTTP/1.1\r\nHost: x.test\r\nK-Network-Probe: probe\r\n\r\n")).IsProblem(
            403,
            "https-required"
        );
        (await RawClient.OnceAsync(receiver.Port, "GET /healthz HTTP/1.1\r\nHost: x.test\r\n\r\n")).Is(200);
        (await RawClient.OnceAsync(receiver.Port, "GET /readyz HTTP/1.1\r\nHost: x.test\r\n\r\n")).Is(200);
        Assert.Empty(await receiver.RecordsAsync("t-br"));
        using var client = Client(certificate);
        using var answer = await client.SendAsync(Event(receiver), TestContext.Current.CancellationToken);
        Assert.Equal(202, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_stop_finishes_what_is_under_way_over_HTTPS()
    {
        using var folder = new TemporaryFolder();
        using var certificate = Certificate();
        Write(folder, certificate);
        var receiver = await TestReceiver.OpenAsync(Options(folder));
        var log = receiver.Logs.Behind("slow");
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        log.Append = async (topic, record) =>
        {
            begun.SetResult();
            await stored.Task;
            return new Core.Log.AppendResult(Core.Log.AppendOutcome.Stored, 0, 0, null);
        };
        receiver.Publish(Broker("br", servers: "slow"));
        await receiver.ReadyAsync();
        using var client = Client(certificate);
        var sending = client.SendAsync(Event(receiver), TestContext.Current.CancellationToken);
        await Eventually.Completes(begun.Task, "the append");
        var stopping = receiver.Host.StopAsync(new CancellationToken(canceled: true));
        stored.SetResult();
        using var answer = await Eventually.Completes(sending, "the answer");
        Assert.Equal(202, (int)answer.StatusCode);
        await Eventually.Completes(stopping, "the stop");
        await receiver.DisposeAsync();
    }

    private static ReceiverOptions Options(TemporaryFolder folder) =>
        new()
        {
            Tls = new TlsOptions { Port = 0, Folder = folder.Path },
        };

    private static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN=receiver-{Guid.NewGuid()}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(Today.AddDays(-1), Today.AddDays(30));
    }

    private static void Write(TemporaryFolder folder, X509Certificate2 certificate) => Write(folder.Path, certificate);

    private static void Write(string folder, X509Certificate2 certificate)
    {
        using var key = certificate.GetRSAPrivateKey()!;
        File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportRSAPrivateKeyPem());
        File.WriteAllText(Path.Combine(folder, "tls.crt"), certificate.ExportCertificatePem());
    }

    private static async Task<bool> IsTrustedAsync(TestReceiver receiver, X509Certificate2 certificate)
    {
        using var client = Client(certificate);
        try
        {
            using var answer = await client.SendAsync(Event(receiver), TestContext.Current.CancellationToken);
            return (int)answer.StatusCode == 202;
        }
        catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
        {
            return false;
        }
    }

    private static HttpClient Client(X509Certificate2 certificate)
    {
        var thumbprint = certificate.Thumbprint;
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 seen && seen.Thumbprint == thumbprint,
            },
        };
        return new HttpClient(handler);
    }

    private static HttpRequestMessage Event(TestReceiver receiver)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"https://localhost:{receiver.Host.TlsPort}/ns/br");
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", "1");
        request.Headers.Add("ce-source", "/s");
        request.Headers.Add("ce-type", "t");
        request.Content = new StringContent("hi");
        return request;
    }
}
