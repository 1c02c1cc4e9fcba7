using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Brokkr.Testing.Processes;

/// <summary>
/// A program that a test runs. Its output is captured line by line; it is killed when disposed, and when the test process ends however it ends.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _name;
    private readonly List<string> _lines = [];
    private readonly Lock _gate = new();
    private readonly Task _output;
    private readonly Task _errors;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process, string name)
    {
        _process = process;
        _name = name;
        _output = CaptureAsync(process.StandardOutput);
        _errors = CaptureAsync(process.StandardError);
    }

    /// <summary>Starts a program.</summary>
    /// <param name="file">Its path, or its name on PATH.</param>
    /// <param name="arguments">Its arguments, unquoted.</param>
    /// <param name="environment">Variables set beside (or, with a null value, removed from) those of the test process.</param>
    /// <param name="folder">The folder it runs in; that of the test process if null.</param>
    public static ChildProcess Start(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? folder = null
    )
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? string.Empty,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>(StringComparer.Ordinal))
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        Leftovers.KillAtExit(process.Id);
        return new ChildProcess(process, Path.GetFileName(file));
    }

    /// <summary>Runs a program to its end and fails the test unless it exits with 0 within the deadline.</summary>
    /// <returns>What it printed on both outputs.</returns>
    public static async Task<string> RunAsync(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? folder = null,
        TimeSpan? deadline = null
    )
    {
        await using var child = Start(file, arguments, environment, folder);
        child.CloseInput();
        var code = await child.ExitAsync(deadline);
        Assert.True(code == 0, $"{child._name} exited with {code}:\n{child.Text}");
        return child.Text;
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it reads from standard input.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>The lines printed so far on standard output and standard error, in the order in which they arrived.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Everything printed so far.</summary>
    public string Text => string.Join('\n', Lines);

    /// <summary>Tells it that no more input comes.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Sends a signal.</summary>
    public void Send(Signal signal) => NativeSignals.Send(_process.Id, signal);

    /// <summary>
    /// Waits for a line that matches a regular expression, among those printed before and those to come. Fails the test at the deadline, or at once when
    /// the program ends without having printed it.
    /// </summary>
    /// <param name="pattern">The regular expression; groups are in the result.</param>
    /// <param name="deadline">How long at most; 30 seconds by default.</param>
    /// <param name="skip">Lines at the beginning that do not count, to wait for something to be printed again: <c>Lines.Count</c> of before.</param>
    public async Task<Match> LineAsync(string pattern, TimeSpan? deadline = null, int skip = 0)
    {
        var expression = new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
        var limit = deadline ?? Eventually.Deadline;
        var start = TimeProvider.System.GetTimestamp();
        var next = skip;
        while (true)
        {
            var ended = _output.IsCompleted && _errors.IsCompleted;
            List<string> fresh;
            Task more;
            lock (_gate)
            {
                fresh = _lines.GetRange(Math.Min(next, _lines.Count), Math.Max(0, _lines.Count - next));
                more = _more.Task;
            }

            foreach (var line in fresh)
            {
                if (expression.Match(line) is { Success: true } match)
                {
                    return match;
                }
            }

            next += fresh.Count;
            var left = limit - TimeProvider.System.GetElapsedTime(start);
            if (ended || left <= TimeSpan.Zero)
            {
                Assert.Fail($"{_name} {(ended ? "ended" : $"ran {limit.TotalSeconds:0.#} s")} without printing /{pattern}/:\n{Text}");
            }

            await Task.WhenAny(more, Task.WhenAll(_output, _errors).WaitAsync(left, TestContext.Current.CancellationToken));
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Waits until it has ended and all its output has been read.</summary>
    /// <returns>Its exit code; 128 plus the signal's number when a signal ended it.</returns>
    public async Task<int> ExitAsync(TimeSpan? deadline = null)
    {
        await Eventually.Completes(
            Task.WhenAll(_process.WaitForExitAsync(), _output, _errors),
            $"{_name} to end; its last lines:\n{string.Join('\n', Lines.TakeLast(20))}",
            deadline
        );
        Leftovers.Forget(_process.Id);
        return _process.ExitCode;
    }

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> TerminateAsync(TimeSpan? deadline = null)
    {
        Send(Signal.Terminate);
        return ExitAsync(deadline);
    }

    /// <summary>Ends it with <c>kill -9</c>: nothing is flushed, nothing is closed in an orderly way.</summary>
    public async Task KillAsync()
    {
        Send(Signal.Kill);
        await _process.WaitForExitAsync(CancellationToken.None);
        Leftovers.Forget(_process.Id);
    }

    /// <summary>Kills it if it still runs, and gives its last lines to the output of the test.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        Leftovers.Forget(_process.Id);
        _process.Dispose();
        // Shown by the runner when the test fails.
        TestContext.Current.TestOutputHelper?.WriteLine($"Last lines of {_name}:\n{string.Join('\n', Lines.TakeLast(30))}");
    }

    private async Task CaptureAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            TaskCompletionSource told;
            lock (_gate)
            {
                _lines.Add(line);
                told = _more;
                _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            told.TrySetResult();
        }
    }
}
