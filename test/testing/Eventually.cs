namespace Brokkr.Testing;

/// <summary>
/// Waits for something to become true, with a deadline that is far longer than it should ever take: a test that passes is fast, one that fails says
/// what it was waiting for. Never wait for a fixed time.
/// <code>await Eventually.True(() => subscriber.Count == 10, "ten deliveries");</code>
/// </summary>
public static class Eventually
{
    /// <summary>The deadline when none is given: 30 seconds.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="condition">Asked again and again; must be cheap.</param>
    /// <param name="what">What is waited for, in words; ends up in the failure.</param>
    /// <param name="deadline">How long at most; <see cref="Deadline"/> by default.</param>
    public static Task True(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        True(() => new ValueTask<bool>(condition()), () => what, deadline);

    /// <summary>Waits until a condition that must itself wait holds.</summary>
    public static Task True(Func<ValueTask<bool>> condition, string what, TimeSpan? deadline = null) =>
        True(condition, () => what, deadline);

    /// <summary>Waits until a condition holds; the failure text is made when it is needed, so that it can tell the last state.</summary>
    public static Task True(Func<bool> condition, Func<string> what, TimeSpan? deadline = null) =>
        True(() => new ValueTask<bool>(condition()), what, deadline);

    /// <summary>Waits until a condition that must itself wait holds; the failure text is made when it is needed.</summary>
    public static async Task True(Func<ValueTask<bool>> condition, Func<string> what, TimeSpan? deadline = null)
    {
        var limit = deadline ?? Deadline;
        var start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(Step);
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > limit)
            {
                Assert.Fail($"Waited {limit.TotalSeconds:0.#} s for: {what()}");
            }

            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a function gives a value.</summary>
    /// <returns>The first value that is not null.</returns>
    public static async Task<T> Value<T>(Func<T?> function, string what, TimeSpan? deadline = null)
        where T : class
    {
        T? value = null;
        await True(() => (value = function()) is not null, what, deadline);
        return value!;
    }

    /// <summary>Waits for a task, at most until the deadline.</summary>
    public static async Task<T> Completes<T>(Task<T> task, string what, TimeSpan? deadline = null)
    {
        await Completes((Task)task, what, deadline);
        return await task;
    }

    /// <summary>Waits for a task, at most until the deadline.</summary>
    public static async Task Completes(Task task, string what, TimeSpan? deadline = null)
    {
        var limit = deadline ?? Deadline;
        try
        {
            await task.WaitAsync(limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            Assert.Fail($"Waited {limit.TotalSeconds:0.#} s for: {what}");
        }
    }
}
