using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

public class DeliveryTests
{
    [Fact]
    public async Task An_event_is_delivered_and_its_offset_committed()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync("1");
        stage.Start(stage.Egress());
        var request = (await stage.Subscriber.CountAsync(1))[0];
        await stage.CommittedAsync(1);
        Assert.Equal("POST", request.Method);
    }
}
