using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Sends a session and holds what comes back, and what the log got, against the reference.</summary>
internal sealed class SessionRun(Session session)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<(ReferenceRequest Request, Reading Reading)> _expected = [];
    private int _number;

    /// <summary>Events that were acknowledged.</summary>
    public int Accepted { get; private set; }

    /// <summary>Whether the connection broke before all answers were there.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Sends the session, and ends the sending side of the connection once everything that is a request was answered.</summary>
    /// <param name="port">Where to.</param>
    /// <param name="take">Gives what the log got.</param>
    /// <returns>What was wrong; null if nothing.</returns>
    public async Task<string?> RunAsync(int port, Func<List<StoredRecord>> take)
    {
        if (Disagreement() is { } disagreement)
        {
            return Say(disagreement);
        }

        var answers = new Answers(i => i < _expected.Count && _expected[i].Request.Method is "HEAD");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, limit.Token);
            var sending = WriteAsync(socket, limit.Token);
            await ReadAsync(socket, sending, answers, limit.Token);
            await sending;
        }
        catch (OperationCanceledException)
        {
            _number = answers.All.Count;
            return Say($"The request was not answered, nor the connection closed. {answers.Rest}");
        }

        return Fault(answers, take());
    }

    private string? Fault(Answers answers, List<StoredRecord> records)
    {
        var taken = 0;
        var whole = session.Whole.Count;
        foreach (var answer in answers.All)
        {
            var (request, reading) = _number < _expected.Count ? _expected[_number] : default;
            reading ??= Reading.Invalid("no request");
            var intent = _number < whole ? session.Whole[_number].Intent : Verdict.Open;
            if (Wrong(answer, request, reading, intent, _number < whole) is { } wrong)
            {
                return Say($"{wrong} ({reading.Verdict} {reading.Why})\n{answer.Text}");
            }

            for (var i = 0; answer.Status == 202 && i < reading.Records.Count; i++)
            {
                var difference = taken == records.Count ? "not stored" : reading.Records[i].Difference(records[taken++]);
                if (difference is not null)
                {
                    return Say($"The record is not what was sent: {difference}");
                }
            }

            Accepted += answer.Status == 202 ? 1 : 0;
            _number++;
        }

        if (answers.Fault is not null)
        {
            return Say(answers.Fault);
        }

        if (_number < _expected.Count && answers.All is not [.., { Closes: true }])
        {
            if (session.Last is null)
            {
                return Say($"The connection was closed without an answer. {answers.Rest}");
            }

            // The receiver gave up on the last request while more of it came. TCP resets such a connection, and answers on their way may go with it.
            IsCut = true;
            return null;
        }

        return taken == records.Count ? null : Say($"{records.Count - taken} records were stored that were not acknowledged");
    }

    private static string? Wrong(Answer answer, ReferenceRequest? request, Reading reading, Verdict intent, bool isWhole)
    {
        var isEvent = reading.Verdict;
        if (answer.Status == 202)
        {
            return isEvent == Verdict.Invalid || intent == Verdict.Invalid ? "An event that is invalid was accepted" : null;
        }

        if (isWhole && (intent == Verdict.Valid || isEvent == Verdict.Valid))
        {
            return "An event that is valid was refused";
        }

        var isOther = answer.Status == 200 && request?.Method is "GET" or "OPTIONS";
        if (!isOther && answer.Status is < 400 or > 499 and not 501 and not 505)
        {
            return "The status is no refusal";
        }

        return isWhole && !isOther && (!answer.IsProblem || answer.Closes)
            ? "The refusal is no problem document or ends the connection"
            : null;
    }

    /// <summary>What the reference reads; and where it reads something else than was meant.</summary>
    private string? Disagreement()
    {
        foreach (var request in ReferenceHttp.ReadAll(session.Bytes.Span))
        {
            _number = _expected.Count;
            var reading = ReferenceEvent.Of(request, session.Path, Session.BodyLimit);
            var intent = _number < session.Whole.Count ? session.Whole[_number].Intent : Verdict.Open;
            if ((reading.Verdict, intent) is (Verdict.Valid, Verdict.Invalid) or (Verdict.Invalid, Verdict.Valid))
            {
                return $"Test and reference disagree: {intent}, {reading.Verdict} {reading.Why}";
            }

            _expected.Add((request, reading));
        }

        _number = _expected.Count;
        if (_number < session.Whole.Count)
        {
            return "The reference cannot read a request that is whole";
        }

        _number = 0;
        return null;
    }

    /// <summary>A fault with what is needed to see it again: which request it was, and its bytes.</summary>
    private string Say(string what)
    {
        var found = _number < session.Whole.Count ? session.Whole[_number] : session.Last;
        var end = _number + 1 < session.Whole.Count ? session.Whole[_number + 1].Start : session.Last?.Start ?? session.Bytes.Length;
        var bytes = found is null
            ? default
            : session.Bytes.Span[found.Start..(ReferenceEquals(found, session.Last) ? session.Bytes.Length : end)];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Request {_number} of session {session.Number} [{found?.Changes}; the last {session.Last?.Changes}]: {what}\n--- its bytes\n{Show(bytes)}\n---"
        );
    }

    private static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var b in bytes[..Math.Min(bytes.Length, 20_000)])
        {
            _ = b switch
            {
                (byte)'\n' => text.Append("\\n\n"),
                (byte)'\r' => text.Append("\\r"),
                (byte)'\\' => text.Append("\\\\"),
                >= 0x20 and < 0x7F => text.Append((char)b),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"),
            };
        }

        return text.ToString();
    }

    private async Task WriteAsync(Socket socket, CancellationToken cancellation)
    {
        try
        {
            var bytes = session.Bytes;
            for (var i = 0; bytes.Length > 0; i++)
            {
                var size = Math.Min(bytes.Length, session.Pieces[i % session.Pieces.Length]);
                var sent = await socket.SendAsync(bytes[..size], cancellation);
                bytes = bytes[sent..];
            }
        }
        catch (SocketException)
        {
            // The receiver has closed the connection, which shows in what it answered.
        }
    }

    private async Task ReadAsync(Socket socket, Task sending, Answers answers, CancellationToken cancellation)
    {
        try
        {
            var isSending = true;
            while (answers.Fault is null)
            {
                if (isSending && answers.All.Count >= _expected.Count)
                {
                    // What the receiver still waits for does not come.
                    await sending;
                    socket.Shutdown(SocketShutdown.Send);
                    isSending = false;
                }

                var read = await socket.ReceiveAsync(answers.Room(), cancellation);
                if (read == 0)
                {
                    return;
                }

                answers.Came(read);
            }
        }
        catch (SocketException)
        {
            // Closed while something was under way that nobody wanted to read.
        }
    }
}
