using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>The server around the rules (control-plane §13).</summary>
public sealed class WebhookServerTests
{
    [Theory]
    [InlineData("User-Agent", "kube-probe/1.35")]
    [InlineData("K-Kubelet-Probe", "webhook")]
    public async Task Probes_are_answered_on_any_path_until_the_end_is_near(string header, string value)
    {
        await using var webhook = await RunningWebhook.StartAsync();
        Assert.Equal(HttpStatusCode.OK, await ProbeAsync());
        webhook.Server.Drain();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ProbeAsync());

        async Task<HttpStatusCode> ProbeAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, webhook.Address("/whatever"));
            request.Headers.TryAddWithoutValidation(header, value);
            using var answer = await webhook.Client.SendAsync(request, TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
    }

    [Theory]
    [InlineData("/resource-validation", "application/json", "nonsense", HttpStatusCode.BadRequest)]
    [InlineData("/resource-validation", "application/json", "{}", HttpStatusCode.BadRequest)]
    [InlineData("/resource-validation", "application/json", """{"apiVersion": "v1", "request": {}}""", HttpStatusCode.BadRequest)]
    [InlineData("/resource-validation", "application/json", """{"request": {}, "request": {}}""", HttpStatusCode.BadRequest)]
    [InlineData("/resource-validation", "text/plain", "{}", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/other", "application/json", "{}", HttpStatusCode.NotFound)]
    public async Task What_is_no_review_is_refused(string path, string contentType, string body, HttpStatusCode status)
    {
        await using var webhook = await RunningWebhook.StartAsync();
        using var content = new StringContent(body, Encoding.UTF8);
        content.Headers.ContentType = new(contentType);
        using var answer = await webhook.Client.PostAsync(webhook.Address(path), content, TestContext.Current.CancellationToken);
        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public async Task Review_that_is_too_large_is_refused()
    {
        await using var webhook = await RunningWebhook.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Address("/resource-validation"))
        {
            Content = new ByteArrayContent(new byte[(3 * 1024 * 1024) + 1]),
        };
        request.Content.Headers.ContentType = new("application/json");
        // The server refuses by the length alone and closes: who is still sending then might not get to see the answer.
        request.Headers.ExpectContinue = true;
        using var answer = await webhook.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, true)]
    public async Task Nothing_older_than_tls_1_3_is_spoken(SslProtocols protocol, bool works)
    {
        await using var webhook = await RunningWebhook.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, webhook.Server.Port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(client.GetStream());
        var handshake = tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "kafka-webhook-eventing",
                EnabledSslProtocols = protocol,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            },
            TestContext.Current.CancellationToken
        );
        if (works)
        {
            await handshake;
            Assert.Equal(protocol, tls.SslProtocol);
        }
        else
        {
            await Assert.ThrowsAnyAsync<Exception>(() => handshake);
        }
    }
}
