using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Http;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Dispatcher.Tests;

/// <summary>
/// Https subscribers whose authority comes by the trust bundles of the contract or with the destination, and changes while events are delivered (dispatcher §7.8,
/// design §6; RTR-08, RTR-09, KTLS-04, KTLS-05, CEW-01).
/// </summary>
public sealed class TrustTests : IDisposable
{
    private readonly TestAuthority _old = new();
    private readonly TestAuthority _new = new();
    private readonly X509Certificate2 _before;
    private readonly X509Certificate2 _after;
    private volatile X509Certificate2 _shown;

    public TrustTests()
    {
        _before = _old.Issue(TestUsage.Server);
        _after = _new.Issue(TestUsage.Server);
        _shown = _before;
    }

    public void Dispose()
    {
        _before.Dispose();
        _after.Dispose();
        _old.Dispose();
        _new.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RTR_08_RTR_09_KTLS_04_KTLS_05_Authorities_rotate_under_running_deliveries_and_nothing_restarts(bool isBundle)
    {
        await using var stage = await DispatcherStage.SetAsync();
        await using var secure = await Subscriber.StartAsync(certificate: () => _shown);
        Trust(stage, isBundle, _old.Pem);
        stage.Start(Secure(stage, secure, isBundle, _old.Pem));
        var trigger = await Eventually.Value(() => stage.Host.FindTrigger("t"), "the Trigger");
        using var end = new CancellationTokenSource();
        var sending = SendAsync(stage, end.Token);
        await MoreAsync(secure);

        // As it is done: first both, then the server's certificate, then only the new one.
        var changes = 0;
        await ChangeAsync($"{_old.Pem}\n{_new.Pem}");
        await MoreAsync(secure);
        _shown = _after;
        await ChangeAsync(_new.Pem);
        await MoreAsync(secure);
        await end.CancelAsync();
        var sent = await sending;
        await stage.CommittedAsync(sent);
        Assert.Equal(sent, secure.At("/sub").Select(request => request.EventId).Distinct().Count());
        Assert.Empty(stage.Subscriber.At("/dls"));
        Assert.Empty(stage.Log.Of(5017));
        Assert.Same(trigger, stage.Host.FindTrigger("t"));
        Assert.Single(stage.Log.Of(5006));

        async Task ChangeAsync(string pem)
        {
            Trust(stage, isBundle, pem);
            stage.Publish(Secure(stage, secure, isBundle, pem));
            changes++;
            await Eventually.True(() => stage.Log.Of(5007).Count() == changes, "the new settings");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_authority_that_went_is_believed_no_more_and_one_that_came_is_at_the_next_attempt(bool isBundle)
    {
        await using var stage = await DispatcherStage.SetAsync();
        await using var secure = await Subscriber.StartAsync(certificate: () => _shown);
        Trust(stage, isBundle, _old.Pem);
        stage.Start(Secure(stage, secure, isBundle, _old.Pem));
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);

        // The server still shows what the old one signed.
        Trust(stage, isBundle, _new.Pem);
        stage.Publish(Secure(stage, secure, isBundle, _new.Pem));
        await Eventually.True(() => stage.Log.Of(5007).Count() == 1, "the new settings");
        await stage.AppendAsync("1");
        await Eventually.True(() => stage.Log.Of(5017).Any(), "a failed attempt");
        Assert.Contains("SSL", Assert.Single(stage.Log.Of(5017)));
        Assert.Single(secure.Requests);

        Trust(stage, isBundle, _old.Pem);
        stage.Publish(Secure(stage, secure, isBundle, _old.Pem));
        await stage.CommittedAsync(2);
        Assert.Equal(["0", "1"], secure.At("/sub").Select(request => request.EventId));
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Theory]
    [InlineData(TestUsage.Client, false)]
    [InlineData(TestUsage.Server, true)]
    public async Task A_certificate_that_is_not_for_servers_or_has_ended_is_not_believed(TestUsage usage, bool isExpired)
    {
        using var certificate = _old.Issue(usage, isExpired);
        await using var stage = await DispatcherStage.SetAsync();
        await using var secure = await Subscriber.StartAsync(certificate: () => certificate);
        stage.TrustBundles = [_old.Pem];
        var egress = Secure(stage, secure, isBundle: true, _old.Pem);
        egress.EgressConfig.Retry = 0;
        stage.Start(egress);
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        Assert.Empty(secure.Requests);
        Assert.Single(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task A_dead_letter_sink_whose_authority_comes_late_gets_what_is_on_its_way()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await using var secure = await Subscriber.StartAsync(certificate: () => _shown);
        stage.Subscriber.OnPath("/sub", Answer.Status(400));
        stage.Start(Spent(_new.Pem));
        await stage.AppendAsync("0");
        await Eventually.True(
            () =>
                stage.Host.FindTrigger("t")?.Counts.Attempts(TargetKind.DeadLetterSink, Brokkr.Dispatcher.Delivery.AttemptKind.Failed) >= 2,
            "failed attempts"
        );
        Assert.Empty(secure.Requests);
        stage.Publish(Spent(_old.Pem));
        await stage.CommittedAsync(1);
        Assert.Equal("0", Assert.Single(secure.At("/dls")).EventId);

        Egress Spent(string pem)
        {
            var egress = stage.Egress(config: stage.Config(retry: 100_000, delay: 10));
            egress.EgressConfig.DeadLetter = secure.Url + "/dls";
            egress.EgressConfig.DeadLetterCACerts = pem;
            return egress;
        }
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_read_spoils_neither_the_others_nor_clear_text()
    {
        const string Broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        await using var stage = await DispatcherStage.SetAsync();
        await using var secure = await Subscriber.StartAsync(certificate: () => _shown);
        stage.TrustBundles = [$"{Broken}\n{_old.Pem}"];
        var hopeless = Secure(stage, secure, isBundle: false, Broken);
        hopeless.Uid = hopeless.ConsumerGroup = "hopeless";
        var open = stage.Egress("open", "/open");
        open.DestinationCACerts = Broken;
        stage.Start(Secure(stage, secure, isBundle: true, ""), hopeless, open);
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        await stage.CommittedAsync(1, "group-open");
        Assert.Single(secure.Requests);
        Assert.NotEmpty(stage.Log.Of(5026));
        await Eventually.True(() => stage.Log.Of(5004).Any(), "the Trigger without a certificate is told");
        Assert.All(stage.Log.Of(5004), line => Assert.Contains("'hopeless'", line));
    }

    [Fact]
    public async Task Other_certificates_leave_connections_in_clear_text_as_they_are()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.TrustBundles = [_old.Pem];
        stage.Start(stage.Egress());
        var trigger = await Eventually.Value(() => stage.Host.FindTrigger("t"), "the Trigger");
        var client = trigger.Settings.Subscriber.Client;
        stage.TrustBundles = [_new.Pem];
        stage.Publish(stage.Egress());
        await Eventually.True(() => stage.Log.Of(5007).Any(), "the new settings");
        Assert.Same(client, trigger.Settings.Subscriber.Client);
    }

    [Fact]
    public async Task Certificates_that_are_renewed_again_and_again_leave_no_clients_behind()
    {
        using var connections = new SubscriberConnections(new DispatcherOptions(), NullLogger.Instance);
        for (var i = 0; i < 20; i++)
        {
            using var authority = new TestAuthority();
            Use(connections, authority.Pem);
        }

        await Eventually.True(
            () =>
            {
                GC.Collect();
                using var authority = new TestAuthority();
                Use(connections, authority.Pem);
                return connections.Count < 5;
            },
            "the clients of old certificates to go"
        );
        var kept = connections.Trusting([_old.Pem]);
        GC.Collect();
        Assert.Same(kept, connections.Trusting([_old.Pem, "", _old.Pem]));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Use(SubscriberConnections connections, string pem) => connections.Trusting([pem]);

    private static void Trust(DispatcherStage stage, bool isBundle, string pem) => stage.TrustBundles = isBundle ? [pem] : [];

    private static Egress Secure(DispatcherStage stage, Subscriber secure, bool isBundle, string pem)
    {
        var egress = stage.Egress(config: stage.Config(retry: 100_000, delay: 10));
        egress.Destination = secure.Url + "/sub";
        egress.DestinationCACerts = isBundle ? "" : pem;
        return egress;
    }

    /// <summary>Appends events until it is told to end, and tells how many.</summary>
    private static async Task<int> SendAsync(DispatcherStage stage, CancellationToken end)
    {
        var sent = 0;
        while (!end.IsCancellationRequested)
        {
            await stage.AppendAsync(DispatcherStage.Ids(5, sent));
            sent += 5;
        }

        return sent;
    }

    private static Task MoreAsync(Subscriber secure)
    {
        var wanted = secure.Count + 50;
        return Eventually.True(() => secure.Count >= wanted, "more deliveries");
    }
}
