using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Core.Tls;
using Brokkr.Testing.Tls;

namespace Brokkr.Core.Tests.Tls;

/// <summary>Whom clients believe, by real handshakes.</summary>
public sealed class ServerTrustTests : IDisposable
{
    private readonly TestAuthority _known = new();
    private readonly TestAuthority _other = new();

    public void Dispose()
    {
        _known.Dispose();
        _other.Dispose();
    }

    [Theory]
    [InlineData(TestUsage.Any, false, null, true)]
    [InlineData(TestUsage.Server, false, null, true)]
    [InlineData(TestUsage.Client, false, null, false)]
    [InlineData(TestUsage.Any, true, null, false)]
    [InlineData(TestUsage.Any, false, "elsewhere.test", false)]
    public async Task A_given_authority_counts_for_certificates_that_are_for_servers_in_time_and_for_the_host(
        TestUsage usage,
        bool isExpired,
        string? host,
        bool isBelieved
    )
    {
        using var certificate = _known.Issue(usage, isExpired, host);
        var trust = ServerTrust.Parse(_known.Pem);
        Assert.Equal(isBelieved, await IsBelievedAsync(trust.BesideSystem(), certificate));
        Assert.Equal(isBelieved, await IsBelievedAsync(trust.InsteadOfSystem(), certificate));
    }

    [Fact]
    public async Task Nobody_else_counts()
    {
        using var certificate = _other.Issue();
        var trust = ServerTrust.Parse(_known.Pem);
        Assert.False(await IsBelievedAsync(trust.BesideSystem(), certificate));
        Assert.False(await IsBelievedAsync(trust.InsteadOfSystem(), certificate));
        Assert.False(await IsBelievedAsync(ServerTrust.System.BesideSystem(), certificate));
        Assert.True(await IsBelievedAsync(ServerTrust.Parse(_known.Pem, _other.Pem).BesideSystem(), certificate));
        Assert.True(await IsBelievedAsync(ServerTrust.Parse($"{_known.Pem}\n{_other.Pem}").InsteadOfSystem(), certificate));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_lies_between_authority_and_server_must_be_sent_by_the_server(bool isSent)
    {
        using var between = _known.Intermediate();
        using var certificate = between.Issue();
        using var intermediate = X509Certificate2.CreateFromPem(between.Pem);
        X509Certificate2Collection sent = isSent ? [intermediate] : [];
        var trust = ServerTrust.Parse(_known.Pem);
        Assert.Equal(isSent, await IsBelievedAsync(trust.BesideSystem(), certificate, sent));
        Assert.Equal(isSent, await IsBelievedAsync(trust.InsteadOfSystem(), certificate, sent));
        Assert.False(await IsBelievedAsync(ServerTrust.Parse(_other.Pem).BesideSystem(), certificate, sent));
    }

    [Fact]
    public void Nothing_is_downloaded_in_a_handshake()
    {
        foreach (var options in new[] { ServerTrust.System.BesideSystem(), ServerTrust.Parse(_known.Pem).InsteadOfSystem() })
        {
            Assert.True(options.CertificateChainPolicy!.DisableCertificateDownloads);
            Assert.Equal(X509RevocationMode.NoCheck, options.CertificateChainPolicy.RevocationMode);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    public void A_text_without_a_certificate_is_refused(string pem)
    {
        Assert.Throws<CryptographicException>(() => ServerTrust.Parse(pem));
        Assert.Throws<CryptographicException>(() => ServerTrust.Parse(_known.Pem, pem));
    }

    [Fact]
    public async Task What_is_no_certificate_or_cannot_be_read_is_left_out_beside_one_that_can()
    {
        using var certificate = _known.Issue();
        using var key = certificate.GetECDsaPrivateKey()!;
        var trust = ServerTrust.Parse(
            $"""
            # of some company
            -----BEGIN CERTIFICATE-----
            AAAA
            -----END CERTIFICATE-----
            {key.ExportPkcs8PrivateKeyPem()}
            {_other.Pem}
            {_known.Pem}
            """
        );
        Assert.Equal(1, trust.Unreadable);
        Assert.True(await IsBelievedAsync(trust.BesideSystem(), certificate));
        Assert.Equal(0, ServerTrust.Parse(_known.Pem).Unreadable);
    }

    [Fact]
    public void Without_authorities_those_of_the_system_cannot_be_replaced()
    {
        Assert.Same(ServerTrust.System, ServerTrust.Parse());
        Assert.Throws<InvalidOperationException>(() => ServerTrust.System.InsteadOfSystem());
    }

    /// <summary>Whether a client with these options talks to a server with this certificate at 127.0.0.1.</summary>
    private static async Task<bool> IsBelievedAsync(
        SslClientAuthenticationOptions options,
        X509Certificate2 certificate,
        X509Certificate2Collection? sent = null
    )
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var cancellation = TestContext.Current.CancellationToken;
        var serving = ServeAsync();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancellation);
        options.TargetHost = "127.0.0.1";
        await using var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancellation);
            return true;
        }
        catch (AuthenticationException)
        {
            return false;
        }
        finally
        {
            client.Close();
            await serving;
        }

        async Task ServeAsync()
        {
            using var accepted = await listener.AcceptTcpClientAsync(cancellation);
            await using var shown = new SslStream(accepted.GetStream());
            try
            {
                await shown.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = SslStreamCertificateContext.Create(certificate, sent, offline: true),
                    },
                    cancellation
                );
                Assert.Equal(0, await shown.ReadAsync(new byte[1], cancellation));
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                // The client did not believe it.
            }
        }
    }
}
